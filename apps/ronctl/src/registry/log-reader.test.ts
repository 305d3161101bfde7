import { expect, test } from 'vitest';
import { NodeClient } from '../node-client.ts';
import { BuiltLog, ITEMS, genesisOf } from './built-log-fixture.ts';
import { followLog } from './log-reader.ts';
import { RegistryClient } from './registry-client.ts';
import { type Answered, ServedLog } from './served-log-fixture.ts';

const STREAM = '/registry/stream';
const event = (type: string, id: number): string => `event: ${type}\nid: ${id}\ndata: {}\n\n`;
const unavailable: Answered = { status: 503, body: '{}' };

interface Followed {
  readonly served: ServedLog;
  readonly versions: number[];
  readonly broken: string[];
}

/** Follows a log of two entries up to `until`. Each answer in turn is what the stream is; the log grows by one before it. */
async function follow(until: number, answers: readonly (Answered | string)[], quietMs?: number): Promise<Followed> {
  await using served = await ServedLog.open(new BuiltLog(genesisOf(1)).add(ITEMS).add(ITEMS));
  const answer = served.answer.bind(served);
  let asked = 0;
  served.answer = (path) => {
    if (path !== STREAM) return answer(path);
    const now = answers[Math.min(asked, answers.length - 1)] ?? '';
    asked += 1;
    served.log.add(ITEMS);
    return typeof now === 'string' ? { body: now } : now;
  };
  const { signal } = new AbortController();
  const client = new RegistryClient(new NodeClient({ url: served.url, timeoutMs: 5_000, signal }));
  const [versions, broken]: [number[], string[]] = [[], []];
  const span = { after: 0, limit: until };
  const onBroken = (why: string): void => void broken.push(why);
  const following = { span, signal, onBroken, reconnectMs: 1, ...(quietMs === undefined ? {} : { quietMs }) };
  for await (const line of followLog(client, following)) {
    versions.push((JSON.parse(line) as { leaf: { version: number } }).leaf.version);
  }
  return { served, versions, broken };
}

test('a lost event loses no entry: the next one of any type tells how far the log is', async () => {
  const { versions, served } = await follow(5, [event('commit', 3), event('lag', 4), event('reset', 5)]);
  expect(versions).toEqual([1, 2, 3, 4, 5]);
  expect(served.seen.filter((each) => each.endsWith(STREAM))).toHaveLength(3);
});

test('a last event that was lost loses no entry either: a stream that is alive and quiet has the log read', async () => {
  const { versions, broken } = await follow(3, [': alive\n\n'], 0);
  expect(versions).toEqual([1, 2, 3]);
  expect(broken).toEqual([]);
});

test('a stream that is alive does not have the log read before it was quiet for a while', async () => {
  const { served, versions } = await follow(3, [': alive\n\n', event('commit', 4)]);
  expect(versions).toEqual([1, 2, 3]);
  expect(served.seen.filter((each) => each.endsWith(STREAM))).toHaveLength(2);
});

test('an event of what was read already asks for nothing', async () => {
  const { versions, served } = await follow(3, [event('commit', 1) + event('commit', 2) + event('commit', 3)]);
  expect(versions).toEqual([1, 2, 3]);
  expect(served.seen.filter((each) => each.includes('/registry/log'))).toHaveLength(3);
});

test('a stream that ends or is refused is opened again, and what came meanwhile is read', async () => {
  const { versions, broken } = await follow(4, ['', unavailable, event('commit', 4)]);
  expect(versions).toEqual([1, 2, 3, 4]);
  expect(broken).toEqual(['the stream ended', 'the node answered 503']);
});

test('a node is not waited for as long as it likes, and the wait is told', async () => {
  await using served = await ServedLog.open(new BuiltLog(genesisOf(1)).add(ITEMS));
  const interrupt = new AbortController();
  const { signal } = interrupt;
  const client = new RegistryClient(new NodeClient({ url: served.url, timeoutMs: 5_000, signal }));
  served.replaced.set(STREAM, { ...unavailable, headers: { 'retry-after': '86400' } });
  const waits: number[] = [];
  const onBroken = (_why: string, waitMs: number): void => {
    waits.push(waitMs);
    interrupt.abort();
  };
  const lines = followLog(client, { span: { after: 1, limit: 1 }, signal, onBroken });
  await expect(lines.next()).rejects.toThrow(/abort/);
  expect(waits).toEqual([30_000]);
});
