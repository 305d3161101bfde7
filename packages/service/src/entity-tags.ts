import { LIMITS, ServiceError } from '@macronode/contracts';

export interface EntityTag {
  readonly weak: boolean;
  readonly tag: string;
}

const CONDITION_CHARS = LIMITS.condition_header_chars.value;
/** An element of a list, with what ends it. It may be empty. */
const ELEMENT = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*)?(?:,|$)/y;

/** `*`, or a list of entity tags (RFC 9110, 8.8.3), empty elements skipped (5.6.1.2); undefined when it is neither. */
export function parseEntityTags(header: string): '*' | readonly EntityTag[] | undefined {
  const text = header.trim();
  if (text === '*') return '*';
  const tags: EntityTag[] = [];
  ELEMENT.lastIndex = 0;
  while (ELEMENT.lastIndex < text.length) {
    const match = ELEMENT.exec(text);
    if (match === null) return undefined;
    const [, weak, tag] = match;
    if (tag !== undefined) tags.push({ weak: weak !== undefined, tag });
  }
  return tags.length === 0 ? undefined : tags;
}

/** Whether If-None-Match names the tag `etag`, given without its quotes (weak comparison, RFC 9110, 13.1.2). */
export function namesTag(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch === undefined ? undefined : parseEntityTags(ifNoneMatch);
  return tags === '*' || (tags?.some(({ tag }) => tag === etag) ?? false);
}

/** Headers as Node gives them. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** One header as text; refuses one that is longer than any honest client sends. */
export function headerText(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  const text = Array.isArray(value) ? value.join(', ') : value;
  if (text !== undefined && text.length > CONDITION_CHARS) {
    throw new ServiceError('bad_request', `${name} is longer than ${String(CONDITION_CHARS)} characters`);
  }
  return text;
}
