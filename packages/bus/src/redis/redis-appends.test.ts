import { Command } from 'ioredis';
import { expect, test } from 'vitest';
import { RedisAppends } from './redis-appends.ts';
import { DEFAULT_REDIS_BOUNDS } from './redis-options.ts';
import { respCommand } from './redis-command.ts';
import { StreamKeys } from './stream-keys.ts';

const appends = new RedisAppends(new StreamKeys(), DEFAULT_REDIS_BOUNDS);
const targets = {
  request: appends.request('störage', 'fast'),
  work: appends.work('object.stored'),
  inbox: appends.inbox('caller.1'),
  hints: appends.hints('registry.head'),
};

/** What the library would write. */
const spelledBy = (name: string, args: (string | number | Buffer)[]): string =>
  Buffer.from(new Command(name, args).toWritable({})).toString('latin1');

test.each(Object.entries(targets))('an append to %s is spelled as the library spells it', (target, append) => {
  const counts = target === 'request' || target === 'work';
  for (const size of [0, 1, 1_000, 48 * 1024, 48 * 1024 + 1, 1024 * 1024]) {
    const what = { entry: Buffer.alloc(size, 'é\r\n'), ...(counts ? { frames: 128 } : {}) };
    const written: (string | Buffer)[] = [];
    const connection = { write: (piece: string | Buffer) => written.push(piece) } as unknown as NodeJS.WritableStream;
    written.push(append.wire(what)(connection));
    const { script, keys } = append;
    const expected = spelledBy('evalsha', [script.sha, keys.length, ...keys, ...append.args(what)]);
    expect(Buffer.concat(written.map((piece) => Buffer.from(piece))).toString('latin1') === expected, `${size} B`).toBe(
      true,
    );
  }
});

test('a read is spelled as the library spells it', () => {
  const args = ['COUNT', 256, 'BLOCK', 2_000, 'STREAMS', 'bus:{b0}:in:ü', '0-0'];
  expect(Buffer.from(respCommand('xread', args)).toString('latin1')).toBe(spelledBy('xread', args));
});
