import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import type { VariableJson } from '../panels/json.ts';

/** What Grafana would fill in; only the kind of the value matters to a parser. */
const MACROS: readonly (readonly [RegExp, string])[] = [
  [/\$\{?__(rate_interval|interval|range)\}?/g, '1m'],
  [/\$\{?[a-z_]+(:[a-z]+)?\}?/g, 'any'],
];

/** A label matcher as it is written: the value without its quotes, macros still in it. */
export interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** A vector or range selector of a query. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
  /** `$__rate_interval`, `5m`; nothing for an instant vector. */
  readonly range?: string;
  /** The function the range is an argument of. */
  readonly rangeFunction?: string;
}

/** A parsed query; positions are those of the text as it is written. */
export interface Query {
  readonly text: string;
  readonly root: SyntaxNode;
}

/** Macros replaced by text of the same length, so that positions stay those of the text as it is written. */
function withoutMacros(text: string): string {
  let plain = text;
  for (const [macro, kind] of MACROS) {
    plain = plain.replace(macro, (match) =>
      kind === '1m' ? `${'1'.repeat(match.length - 1)}m` : 'a'.repeat(match.length),
    );
  }
  return plain;
}

export const parseQuery = (text: string): Query => ({ text, root: parser.parse(withoutMacros(text)).topNode });

export const textOf = ({ text }: Query, { from, to }: { readonly from: number; readonly to: number }): string =>
  text.slice(from, to);

/** Every node of a query with one of the names, in the order of the text. */
export function nodesOf(root: SyntaxNode, ...names: readonly string[]): readonly SyntaxNode[] {
  const found: SyntaxNode[] = [];
  root.cursor().iterate((node) => {
    if (names.includes(node.name)) found.push(node.node);
  });
  return found;
}

/** Where the text stops being PromQL: the rest from the first error on. */
export function syntaxError(text: string): string | undefined {
  if (text.trim() === '') return 'an empty query';
  const query = parseQuery(text);
  let at: number | undefined;
  query.root.cursor().iterate((node) => {
    if (node.type.isError) at ??= node.from;
  });
  return at === undefined ? undefined : `not PromQL at "${text.slice(at, at + 30)}"`;
}

function matchersOf(query: Query, selector: SyntaxNode): readonly Matcher[] {
  return nodesOf(selector, 'UnquotedLabelMatcher').map((matcher) => {
    const part = (name: string): string => {
      const node = matcher.getChild(name);
      return node === null ? '' : textOf(query, node);
    };
    return { label: part('LabelName'), operator: part('MatchOp'), value: part('StringLiteral').slice(1, -1) };
  });
}

const functionAround = (query: Query, node: SyntaxNode): string | undefined => {
  const call = node.parent?.parent;
  const name = call?.name === 'FunctionCall' ? call.getChild('FunctionIdentifier') : null;
  return name === null || name === undefined ? undefined : textOf(query, name);
};

function selectorOf(query: Query, node: SyntaxNode): Selector {
  const name = node.getChild('Identifier');
  const matrix = node.parent?.name === 'MatrixSelector' ? node.parent : undefined;
  const rangeFunction = matrix === undefined ? undefined : functionAround(query, matrix);
  return {
    metric: name === null ? '' : textOf(query, name),
    matchers: matchersOf(query, node),
    ...(matrix !== undefined && { range: textOf(query, { from: node.to + 1, to: matrix.to - 1 }) }),
    ...(rangeFunction !== undefined && { rangeFunction }),
  };
}

/** The selector of a variable that asks `label_values(selector, label)`; empty for anything else. */
export const variableSelector = (query: VariableJson['query']): string =>
  typeof query === 'string' ? '' : (/^label_values\((.+), \w+\)$/.exec(String(query['query']))?.[1] ?? '');

/** Every selector of a query, in the order of the text. */
export function selectorsIn(text: string): readonly Selector[] {
  const query = parseQuery(text);
  return nodesOf(query.root, 'VectorSelector').map((node) => selectorOf(query, node));
}
