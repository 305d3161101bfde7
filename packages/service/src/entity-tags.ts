import { ServiceError } from '@macronode/contracts';

export interface EntityTag {
  readonly weak: boolean;
  readonly tag: string;
}

/** Longest condition header that is looked at; the contracts bound it alike. */
const CONDITION_CHARS = 1_024;
const TAG = /\s*(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)/y;

/** `*`, or a list of entity tags (RFC 9110, 8.8.3); undefined when it is neither. */
export function parseEntityTags(header: string): '*' | readonly EntityTag[] | undefined {
  if (header.trim() === '*') return '*';
  const tags: EntityTag[] = [];
  TAG.lastIndex = 0;
  while (TAG.lastIndex < header.length) {
    const match = TAG.exec(header);
    if (match === null) return undefined;
    tags.push({ weak: match[1] !== undefined, tag: match[2] ?? '' });
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
