import { ServiceError } from '@macronode/contracts';

/** `*`: any current record; else the tags one of which must be current. Weak tags never match (RFC 9110, 13.1.1). */
export type IfMatch = '*' | readonly string[];

const TAG = /^(?<weak>W\/)?"(?<tag>[\x21\x23-\x7e\x80-\xff]*)"$/;

/** @throws ServiceError `bad_request` when the field is not `*` or a list of entity tags. */
export function parseIfMatch(field: string): IfMatch {
  if (field.trim() === '*') return '*';
  const tags: string[] = [];
  for (const item of field.split(',')) {
    const text = item.trim();
    if (text === '') continue;
    const groups = TAG.exec(text)?.groups;
    if (groups === undefined) throw new ServiceError('bad_request', 'If-Match is malformed.', { reason: 'if_match' });
    if (groups['weak'] === undefined && groups['tag'] !== undefined) tags.push(groups['tag']);
  }
  return tags;
}
