import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LIMITS, TOPICS } from '@macronode/contracts';
import { client } from './client.ts';
import { freshObject, unique } from './content.ts';
import { poll } from './poll.ts';
import { ownRedis } from './target.ts';

let redis: Redis;

beforeAll(() => {
  redis = new Redis(ownRedis().url, { maxRetriesPerRequest: 3 });
});
afterAll(() => {
  redis.disconnect();
});

interface Group {
  readonly name: string;
  readonly consumers: number;
  readonly pending: number;
  readonly entriesRead: number;
}

interface Stream {
  readonly key: string;
  readonly length: number;
  readonly entriesAdded: number;
  readonly groups: readonly Group[];
}

/** What redis-cli shows: a flat list of field, value, field, value. */
function fields(flat: unknown): Map<string, unknown> {
  const list = flat as unknown[];
  return new Map(list.flatMap((key, i) => (i % 2 === 0 ? [[String(key), list[i + 1]] as const] : [])));
}

async function readStream(key: string): Promise<Stream> {
  const info = fields(await redis.xinfo('STREAM', key));
  const groups = (await redis.xinfo('GROUPS', key)) as unknown[];
  return {
    key,
    length: Number(info.get('length')),
    entriesAdded: Number(info.get('entries-added')),
    groups: groups.map((group) => {
      const of = fields(group);
      return {
        name: String(of.get('name')),
        consumers: Number(of.get('consumers')),
        pending: Number(of.get('pending')),
        entriesRead: Number(of.get('entries-read') ?? 0),
      };
    }),
  };
}

async function readStreams(): Promise<Stream[]> {
  const keys: string[] = [];
  let cursor = '0';
  do {
    const [next, page] = await redis.scan(cursor, 'COUNT', 1_000, 'TYPE', 'stream');
    keys.push(...page);
    cursor = next;
  } while (cursor !== '0');
  const streams: Stream[] = [];
  for (const key of keys) {
    try {
      streams.push(await readStream(key));
    } catch (error) {
      // An inbox may end between SCAN and XINFO.
      if (!String(error).includes('no such key')) throw error;
    }
  }
  return streams;
}

/** A long poll whose client went away may still be pending until its time is over. */
const AT_REST_MS = LIMITS.mailbox_wait_max_ms.value + LIMITS.request_timeout_ms.value + 5_000;

/** True when nothing is pending and no stream a group reads holds an entry; else says which one does. */
function atRest(streams: readonly Stream[]): true {
  const busy = streams.filter(({ length, groups }) => groups.some(({ pending }) => pending > 0 || length > 0));
  if (busy.length === 0) return true;
  throw new Error(`not at rest: ${JSON.stringify(busy)}`);
}

async function journey(): Promise<void> {
  const { bytes, id } = freshObject(500_000);
  const name = `${unique('bus')}.example`;
  expect((await client.put(`/o/${id}`, bytes)).status).toBe(201);
  expect((await client.json('PUT', `/names/${name}`, { target: id })).status).toBe(201);
  expect((await client.get(`/n/${name}`)).bytes.equals(bytes)).toBe(true);
  expect((await client.json('POST', '/mailbox/recv', { topic: name })).status).toBe(200);
}

test('requests travel in streams, read by consumer groups of the services', async () => {
  const before = await readStreams();
  await journey();
  const after = await readStreams();
  const grown = after.filter(
    (stream) => stream.entriesAdded > (before.find(({ key }) => key === stream.key)?.entriesAdded ?? 0),
  );
  expect(grown.length, 'streams that carried something').toBeGreaterThan(0);
  for (const service of ['omnigate', 'index', 'storage', 'mailbox']) {
    const own = grown.filter(({ key }) => key.includes(service));
    expect(own.length, `a stream of ${service} that carried something`).toBeGreaterThan(0);
    const groups = own.flatMap(({ groups: list }) => list);
    expect(
      groups.some(({ consumers, entriesRead }) => consumers > 0 && entriesRead > 0),
      `a group of ${service}`,
    ).toBe(true);
  }
});

test('at rest no entry is pending and none piles up', async () => {
  await Promise.all(Array.from({ length: 10 }, journey));
  await poll(async () => atRest(await readStreams()), {
    what: 'every pending list and every request stream to be empty',
    deadlineMs: AT_REST_MS,
  });
});

test('no stream grows with traffic', async () => {
  for (let round = 0; round < 5; round += 1) await Promise.all(Array.from({ length: 8 }, journey));
  for (const { key, length, entriesAdded } of await readStreams()) {
    expect(length, `${key} kept ${length} of ${entriesAdded} entries`).toBeLessThanOrEqual(10_000);
    if (entriesAdded > 1_000) expect(length, key).toBeLessThan(entriesAdded);
  }
});

const HINT_KEYS = new Set(Object.values(TOPICS).map(({ name }) => `bus:{b0}:hi:${name}`));

test('every key that is not a service’s own stream, or a topic, has a lease', async () => {
  await journey();
  for (const { key, groups } of await readStreams()) {
    // A topic of hints is one key for ever, bounded in entries and bytes.
    if (groups.length > 0 || HINT_KEYS.has(key)) continue;
    const ttlMs = await redis.pttl(key);
    // A key without a group is one instance's inbox or a broadcast: it must not outlive its readers for ever.
    expect(ttlMs, `${key} has no expiry`).not.toBe(-1);
  }
});
