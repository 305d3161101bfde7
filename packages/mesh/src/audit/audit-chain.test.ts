import { describe, expect, it } from 'vitest';
import { AuditChain, ChainKey, LINE_BYTES_MAX } from './audit-chain.ts';

const KEY = Buffer.from('thirty-two bytes of a golden key');
const AT_MS = 1_700_000_000_000;

// Computed by other hands from the words of the format, not by this code.
const GOLDEN = [
  '{"seq":0,"ts":"2023-11-14T22:13:20.000Z","kind":"chain_init","detail":{"prev_head":"none","key_id":"e8ed988574c16c5a"},"prev_hash":"f519c290ecb533fc881e4cab40b17c4cdd94be13b188bfe101c413b9cca5e415","hmac":"b08a1ae462f7c1fbb42ec174c219d2412e4651575b2aa793cc13a4142a2845ee"}\n',
  '{"seq":1,"ts":"2023-11-14T22:13:20.001Z","kind":"mesh_publish","detail":{"subject":"192.0.2.1","score":0.5,"revoked":false},"prev_hash":"b08a1ae462f7c1fbb42ec174c219d2412e4651575b2aa793cc13a4142a2845ee","hmac":"a58e57ed1ae8037d46e6fb33055b1e7059c27cadfc873e2861f8d5a6bc6d6499"}\n',
  '{"seq":2,"ts":"2023-11-14T22:13:20.002Z","kind":"mesh_receive","detail":{"client":"kälte \\"1\\""},"prev_hash":"a58e57ed1ae8037d46e6fb33055b1e7059c27cadfc873e2861f8d5a6bc6d6499","hmac":"95384fe2732bcb0c7d03686b133e9ba1f6043257f52d5fc6ae2d82554a9b4457"}\n',
  '{"seq":3,"ts":"2023-11-14T22:13:20.003Z","kind":"chain_rotate","detail":{"prev_head":"95384fe2732bcb0c7d03686b133e9ba1f6043257f52d5fc6ae2d82554a9b4457","key_id":"e8ed988574c16c5a"},"prev_hash":"95384fe2732bcb0c7d03686b133e9ba1f6043257f52d5fc6ae2d82554a9b4457","hmac":"023c68c13104d600b22a4cfb7d413082f86171bd9b814563052c69385f9a40dc"}\n',
];

describe('the chain of the audit log', () => {
  it('seals the golden vector to the byte', () => {
    const chain = new AuditChain(new ChainKey(KEY));
    expect([
      chain.begin(AT_MS, 'none', undefined).line,
      chain.next(AT_MS + 1, 'mesh_publish', { subject: '192.0.2.1', score: 0.5, revoked: false }).line,
      chain.next(AT_MS + 2, 'mesh_receive', { client: 'kälte "1"' }).line,
      chain.rotate(AT_MS + 3).line,
    ]).toEqual(GOLDEN);
  });

  it('knows its own heads again, and no others', () => {
    const key = new ChainKey(KEY);
    const line = Buffer.from(GOLDEN[2]?.trimEnd() ?? '');
    expect(key.headOf(line)).toBe('95384fe2732bcb0c7d03686b133e9ba1f6043257f52d5fc6ae2d82554a9b4457');
    expect(new ChainKey(Buffer.alloc(32, 1)).headOf(line)).toBeUndefined();
    expect(key.headOf(line.subarray(1))).toBeUndefined();
    expect(() => new ChainKey(KEY.subarray(1))).toThrow(RangeError);
  });

  it('bounds a line: long texts are cut, a detail that is too long is told by its size', () => {
    const chain = new AuditChain(new ChainKey(KEY));
    const cut = JSON.parse(chain.next(AT_MS, 'mesh_receive', { why: 'x'.repeat(1_000), n: 1 }).line) as object;
    expect(cut).toMatchObject({ detail: { why: `${'x'.repeat(256)}…+744`, n: 1 } });
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`m${i}`, '\u0001'.repeat(256)]));
    const sealed = chain.next(AT_MS, 'mesh_receive', many);
    expect(sealed.bytes).toBeLessThan(LINE_BYTES_MAX);
    expect((JSON.parse(sealed.line) as { detail: object }).detail).toEqual({
      oversized_bytes: expect.any(Number) as number,
    });
  });
});
