import type { ObjectReadReply, ReadConditions } from '@macronode/contracts';
import { parseEntityTags } from '@macronode/service';

export type ReadVerdict = Pick<ObjectReadReply, 'outcome' | 'start' | 'end'>;

interface Span {
  readonly start: number;
  readonly end: number;
}

const RANGE_UNIT = /^bytes=(.*)$/is;
const RANGE_SPEC = /^(?:(\d+)-(\d*)|-(\d+))$/;

function matches(header: string, id: string, comparison: 'strong' | 'weak'): boolean {
  const tags = parseEntityTags(header);
  if (tags === '*') return true;
  return tags?.some(({ weak, tag }) => tag === id && (comparison === 'weak' || !weak)) ?? false;
}

/** The satisfiable span of one spec; `none` when it lies outside, undefined when it is malformed. */
function parseSpec(spec: string, size: number): Span | 'none' | undefined {
  const match = RANGE_SPEC.exec(spec);
  if (match === null) return undefined;
  const [, first, last, suffix] = match;
  const length = BigInt(size);
  if (suffix !== undefined) {
    const wanted = BigInt(suffix);
    if (wanted === 0n || size === 0) return 'none';
    return { start: wanted >= length ? 0 : size - Number(wanted), end: size };
  }
  const start = BigInt(first ?? '0');
  const end = last === undefined || last === '' ? undefined : BigInt(last) + 1n;
  if (end !== undefined && end <= start) return undefined;
  if (start >= length) return 'none';
  return { start: Number(start), end: end === undefined || end > length ? size : Number(end) };
}

/** What a Range header asks of `size` bytes: spans, or undefined when the header is to be ignored (RFC 9110, 14.2). */
function parseRange(header: string, size: number): readonly Span[] | undefined {
  const list = RANGE_UNIT.exec(header.trim())?.[1];
  if (list === undefined) return undefined;
  const specs = list.split(',').map((spec) => spec.trim());
  const spans = specs.filter((spec) => spec !== '').map((spec) => parseSpec(spec, size));
  if (spans.length === 0 || spans.includes(undefined)) return undefined;
  return spans.filter((span): span is Span => typeof span === 'object');
}

/**
 * Judges a read by its conditions in the order of RFC 9110, 13.2.2: If-Match, If-None-Match, If-Range, Range.
 * The entity tag of an object is its id, and strong. Several satisfiable ranges are answered in full: a server may
 * ignore Range, and multipart answers are not offered yet.
 */
export function judgeRead(id: string, size: number, conditions: ReadConditions): ReadVerdict {
  const { if_match, if_none_match, if_range, range, method } = conditions;
  const full: ReadVerdict = { outcome: 'full', start: 0, end: size };
  if (if_match !== undefined && !matches(if_match, id, 'strong')) {
    return { outcome: 'precondition_failed', start: 0, end: 0 };
  }
  if (if_none_match !== undefined && matches(if_none_match, id, 'weak')) {
    return { outcome: 'not_modified', start: 0, end: 0 };
  }
  // Only GET honours Range; anything in If-Range but our strong tag (a date, a weak tag) means: send the whole.
  if (method !== 'GET' || range === undefined) return full;
  if (if_range !== undefined && if_range.trim() !== `"${id}"`) return full;
  const spans = parseRange(range, size);
  if (spans === undefined || spans.length > 1) return full;
  const [span] = spans;
  if (span === undefined) return { outcome: 'unsatisfiable', start: 0, end: 0 };
  return { outcome: 'partial', ...span };
}
