import { MailboxSendRequest, NamePutBody, ServiceError } from '@macronode/contracts';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { decodeJson } from './json-bytes.ts';

const refusal = (text: string | Uint8Array, schema: z.ZodType = NamePutBody): ServiceError => {
  try {
    decodeJson(typeof text === 'string' ? new TextEncoder().encode(text) : text, schema);
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
  throw new Error(`accepted: ${String(text)}`);
};

const ID = `b3:${'0'.repeat(64)}`;

describe('a JSON body', () => {
  it.each([
    ['nothing', '', 'syntax'],
    ['half an object', '{"target":', 'syntax'],
    ['a trailing comma', `{"target":"${ID}",}`, 'syntax'],
    ['two values', '{} {}', 'syntax'],
    ['a duplicate key', `{"target":"${ID}","target":"${ID}"}`, 'duplicate_key'],
    ['a duplicate key in disguise', `{"target":"${ID}","t\\u0061rget":"${ID}"}`, 'duplicate_key'],
    ['nesting', `${'['.repeat(40)}${']'.repeat(40)}`, 'depth'],
    ['another shape', '[]', undefined],
    ['null', 'null', undefined],
    ['an unknown field', `{"target":"${ID}","x":1}`, undefined],
    ['a prototype', `{"target":"${ID}","__proto__":{}}`, undefined],
  ])('is refused when it is %s', (_what, text, reason) => {
    expect(refusal(text)).toMatchObject({ code: 'schema', reason });
  });

  it('is refused when it is not UTF-8', () => {
    expect(refusal(new Uint8Array([0x22, 0xff, 0x22]))).toMatchObject({ code: 'schema', reason: 'encoding' });
  });

  it('is answered with where it is wrong, and not with all of it', () => {
    const error = refusal('{"topic":"a b","idem_key":"","payload_b64":"%","x":1}', MailboxSendRequest);
    const paths = (error.details as { issues: { path: string }[] }).issues.map((issue) => issue.path);
    expect(paths).toEqual(expect.arrayContaining(['topic', 'idem_key', 'payload_b64']));
    expect(paths.length).toBeLessThanOrEqual(8);
  });

  it('is taken when it fits', () => {
    expect(decodeJson(new TextEncoder().encode(`{"target":"${ID}"}`), NamePutBody)).toEqual({ target: ID });
  });
});
