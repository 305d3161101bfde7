import type { SyntaxNode } from '@lezer/common';
import { parseQuery, type Query, textOf } from './promql.ts';

/** Labels of a series by its name; nothing for a series nobody knows. */
export type LabelsOf = (metric: string) => readonly string[] | undefined;

type Labels = ReadonlySet<string>;

const NONE: Labels = new Set();

const only = (labels: Labels, wanted: Labels): Labels => new Set([...labels].filter((label) => wanted.has(label)));
const without = (labels: Labels, gone: Labels): Labels => new Set([...labels].filter((label) => !gone.has(label)));
const CHOOSING = new Set(['topk', 'bottomk', 'limitk']);
const SCALAR = new Set(['time', 'scalar', 'pi']);
const OPERANDS = new Set([
  'AggregateExpr', 'BinaryExpr', 'FunctionCall', 'MatrixSelector', 'NumberDurationLiteral', 'OffsetExpr', 'ParenExpr',
  'StringLiteral', 'SubqueryExpr', 'UnaryExpr', 'VectorSelector',
]); // prettier-ignore

const operandsOf = (node: SyntaxNode): readonly SyntaxNode[] => {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (OPERANDS.has(child.name)) found.push(child);
  }
  return found;
};

const namesIn = (query: Query, node: SyntaxNode | null): readonly string[] =>
  node === null ? [] : node.getChildren('LabelName').map((label) => textOf(query, label));

const functionOf = (query: Query, node: SyntaxNode): string => {
  const identifier = node.getChild('FunctionIdentifier');
  return identifier === null ? '' : textOf(query, identifier);
};

const isScalar = (query: Query, node: SyntaxNode): boolean =>
  node.name === 'NumberDurationLiteral' || node.name === 'StringLiteral' || SCALAR.has(functionOf(query, node));

/** The label that `label_replace` writes: the first of its texts. */
const targetOf = (query: Query, body: SyntaxNode | null): string => {
  const text = body?.getChild('StringLiteral');
  return text ? textOf(query, text).slice(1, -1) : '';
};

/** Labels that every series of the result may carry: what a legend may show. */
export function keptLabels(text: string, labelsOf: LabelsOf): Labels {
  const query = parseQuery(text);

  const ofSelector = (node: SyntaxNode): Labels => {
    const name = node.getChild('Identifier');
    return new Set(name === null ? [] : (labelsOf(textOf(query, name)) ?? []));
  };

  const ofAggregate = (node: SyntaxNode): Labels => {
    const operator = node.getChild('AggregateOp');
    const modifier = node.getChild('AggregateModifier');
    const body = node.getChild('FunctionCallBody');
    const operand = body === null ? undefined : operandsOf(body).at(-1);
    const inner = operand === undefined ? NONE : of(operand);
    if (operator !== null && CHOOSING.has(textOf(query, operator))) return inner;
    if (modifier === null) return NONE;
    const named = new Set(namesIn(query, modifier.getChild('GroupingLabels')));
    return modifier.getChild('By') === null ? without(inner, named) : only(inner, named);
  };

  const ofCall = (node: SyntaxNode): Labels => {
    const body = node.getChild('FunctionCallBody');
    const argument = body === null ? undefined : operandsOf(body).find((operand) => !isScalar(query, operand));
    const inner = argument === undefined ? NONE : of(argument);
    const name = functionOf(query, node);
    if (name === 'label_replace') return new Set([...inner, targetOf(query, body)]);
    return name === 'histogram_quantile' ? without(inner, new Set(['le'])) : inner;
  };

  const ofBinary = (node: SyntaxNode): Labels => {
    const [left, right] = operandsOf(node);
    if (left === undefined || right === undefined) return NONE;
    if (isScalar(query, left)) return of(right);
    if (node.getChild('Or') !== null) return only(of(left), of(right));
    const matching = node.getChild('MatchingModifierClause');
    if (matching === null) return of(left);
    if (matching.getChild('GroupRight') !== null) return of(right);
    if (matching.getChild('On') !== null && matching.getChild('GroupLeft') === null) {
      return new Set(namesIn(query, matching.getChild('GroupingLabels')));
    }
    return of(left);
  };

  const of = (node: SyntaxNode): Labels => {
    if (node.name === 'VectorSelector') return ofSelector(node);
    if (node.name === 'AggregateExpr') return ofAggregate(node);
    if (node.name === 'FunctionCall') return ofCall(node);
    if (node.name === 'BinaryExpr') return ofBinary(node);
    const inner = operandsOf(node)[0];
    return inner === undefined ? NONE : of(inner);
  };

  return of(query.root);
}
