import { LIMITS, ServiceError, type ReadConditions } from '@macronode/contracts';
import { headerText, parseEntityTags, type Headers } from '@macronode/service';
import { identityTags } from './compression.ts';

/**
 * The tag of the caller's copy when that is current: the one of If-None-Match that stands for `etag` (weak comparison), or
 * for a compressed form of it. A 304 carries it, so that a cache knows which of its copies is meant (RFC 9111, 4.3.4).
 */
export function currentCopy(header: string | undefined, etag: string): string | undefined {
  if (header === undefined) return undefined;
  const tags = parseEntityTags(header);
  return tags === '*' ? etag : tags?.find(({ tag }) => isFormOf(tag, etag))?.tag;
}

const isFormOf = (tag: string, etag: string): boolean => identityTags(`"${tag}"`) === `"${etag}"`;

/** Whether If-Match allows the request (strong comparison). Absent allows, malformed names nothing. */
export function allowsTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return true;
  const tags = parseEntityTags(header);
  return tags === '*' || (tags?.some(({ weak, tag }) => !weak && isFormOf(tag, etag)) ?? false);
}

/** What storage judges, as the client sent it. HEAD has no ranges (RFC 9110, 14.2); a Range that is too long counts as malformed. */
export function readConditions(method: 'GET' | 'HEAD', headers: Headers): ReadConditions {
  const conditions: { -readonly [K in keyof ReadConditions]: ReadConditions[K] } = { method };
  const ifMatch = headerText(headers, 'if-match');
  const ifNoneMatch = headerText(headers, 'if-none-match');
  if (ifMatch !== undefined) conditions.if_match = ifMatch;
  if (ifNoneMatch !== undefined) conditions.if_none_match = ifNoneMatch;
  const range = headers['range'];
  if (method === 'GET' && typeof range === 'string' && range.length <= LIMITS.range_header_chars.value) {
    conditions.range = range;
    const ifRange = headerText(headers, 'if-range');
    if (ifRange !== undefined) conditions.if_range = ifRange;
  }
  return conditions;
}

/** `If-None-Match: *` on a write: it must create. Any other form of the header has no meaning there. */
export function mustBeNew(headers: Headers): boolean {
  const header = headerText(headers, 'if-none-match');
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  throw new ServiceError('bad_request', 'on a write, If-None-Match takes * only');
}
