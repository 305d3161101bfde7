import { ErrorEnvelope } from '@macronode/contracts';
import { EventSource } from 'eventsource';
import { afterEach, describe, expect, it } from 'vitest';
import { BootedLog, commitOf, until } from './booted-log-fixture.ts';
import { SseReader } from './sse-reader-fixture.ts';

const STREAM = '/registry/stream';
const CLIENTS = 'registry_sse_clients{service="registry"}';
const LAGGED = 'registry_sse_lagged_total{service="registry"}';
const STALLED = 'registry_sse_stalled_total{service="registry"}';

let log: BootedLog;
const readers: SseReader[] = [];
afterEach(async () => {
  for (const reader of readers.splice(0)) reader[Symbol.dispose]();
  await log.close();
});

async function boot(...options: ConstructorParameters<typeof BootedLog>): Promise<void> {
  log = new BootedLog(...options);
  await log.start();
}

async function open(lastEventId?: string, path = STREAM): Promise<SseReader> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const reader = await SseReader.open(`${log.url}${path}`, headers);
  readers.push(reader);
  return reader;
}

const upTo = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe('a stream', () => {
  it('begins at the head, and tells every commit on a line of its own', async () => {
    await boot();
    log.feed.commit(3);
    const reader = await open();
    expect(reader.response.statusCode).toBe(200);
    expect(reader.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-corr-id': expect.stringMatching(/^[0-9A-Z]{26}$/) as string,
    });
    expect(reader.response.headers['content-encoding']).toBeUndefined();
    await reader.reads(1);
    log.feed.commit(2);
    await reader.reads(3);
    expect(reader.text.startsWith('retry: 2000\n\n')).toBe(true);
    expect(reader.events).toEqual([
      { event: 'reset', id: '3', data: { ...commitOf(3), checkpoint_size: 3 } },
      { event: 'commit', id: '4', data: commitOf(4) },
      { event: 'commit', id: '5', data: commitOf(5) },
    ]);
  });

  it('of a log without an entry begins with version 0', async () => {
    await boot();
    const reader = await open();
    await reader.reads(1);
    expect(reader.events[0]).toMatchObject({ event: 'reset', id: '0', data: { version: 0, entry_b3: null } });
  });

  it.each(['', 'x', '01', '-1', '1e3', '11', '9007199254740993', '1, 2'])(
    'after %j, which is no version it has, begins at the head',
    async (id) => {
      await boot();
      log.feed.commit(10);
      const reader = await open(id);
      await reader.reads(1);
      expect(reader.events[0]).toMatchObject({ event: 'reset', id: '10' });
    },
  );

  it('after a version sends what came since, by header or by query, the header first', async () => {
    await boot();
    log.feed.commit(10);
    const header = await open('7');
    const query = await open(undefined, `${STREAM}?last_event_id=8`);
    const both = await open('9', `${STREAM}?last_event_id=1`);
    const current = await open('10');
    log.feed.commit();
    await current.reads(1);
    await Promise.all([header.reads(4), query.reads(3), both.reads(2)]);
    expect(header.versions).toEqual([8, 9, 10, 11]);
    expect(query.versions).toEqual([9, 10, 11]);
    expect(both.versions).toEqual([10, 11]);
    expect(current.versions).toEqual([11]);
    expect(
      [header, query, both, current].flatMap(({ events }) => events.filter(({ event }) => event !== 'commit')),
    ).toEqual([]);
    expect((await log.call(`${STREAM}?last_event_id=1&last_event_id=2`)).status).toBe(400);
  });

  it('too far behind begins at the head', async () => {
    await boot(10, { backfill: 4 });
    log.feed.commit(10);
    const near = await open('6');
    const far = await open('5');
    await Promise.all([near.reads(4), far.reads(1)]);
    expect(near.versions).toEqual([7, 8, 9, 10]);
    expect(far.events[0]).toMatchObject({ event: 'reset', id: '10' });
  });

  it('begins at the head when what came since is not at hand', async () => {
    await boot();
    log.feed.commit(10);
    log.feed.forgets = true;
    const reader = await open('7');
    await reader.reads(1);
    expect(reader.events).toMatchObject([{ event: 'reset', id: '10' }]);
    expect(log.logged).toEqual([]);
  });

  it('begins at the head when what came since cannot be read, and the log is told why', async () => {
    await boot();
    log.feed.commit(10);
    log.feed.failure = new Error('the disk is gone');
    const reader = await open('7');
    await reader.reads(1);
    expect(reader.events).toMatchObject([{ event: 'reset', id: '10' }]);
    expect(log.logged).toMatchObject([
      { level: 'warn', after: 7, err: { message: 'the disk is gone' }, corr_id: reader.response.headers['x-corr-id'] },
    ]);
  });

  it('misses and repeats nothing while it is caught up', async () => {
    await boot();
    log.feed.commit(50);
    let go = (): void => undefined;
    log.feed.beforeBackfill = new Promise((resolve) => (go = resolve));
    const reader = await open('20');
    await until(async () => (await log.metric(CLIENTS)) === 1, 'the client to be there');
    log.feed.commit(30);
    expect(reader.events).toEqual([]);
    go();
    log.feed.commit(5);
    await reader.reads(65);
    expect(reader.versions).toEqual(upTo(21, 85));
  });

  it('is over when its client leaves while it is caught up', async () => {
    await boot(10, { stallMs: 1 });
    log.feed.commit(5);
    let go = (): void => undefined;
    log.feed.beforeBackfill = new Promise((resolve) => (go = resolve));
    const leaving = await open('0');
    leaving[Symbol.dispose]();
    await until(async () => (await log.metric(CLIENTS)) === 0, 'the client to be gone');
    go();
    const staying = await open('0');
    await staying.reads(5);
    expect(await log.metric(STALLED)).toBe(0);
  });

  it('says that it is alive', async () => {
    await boot(10, { heartbeatMs: 5 });
    const reader = await open();
    await until(() => reader.comments.length > 3, 'heartbeats');
    expect(new Set(reader.comments)).toEqual(new Set([':']));
  });

  it('goes on for longer than a request may take, and is counted as answered when it began', async () => {
    await boot();
    const reader = await open();
    const labels = `service="registry",route="${STREAM}",method="GET"`;
    expect(await log.metric('inflight_requests{service="registry",route="/registry/stream"}')).toBe(1);
    await until(() => reader.events.length === 1, 'the stream to begin');
    const openedAt = performance.now();
    await until(() => performance.now() - openedAt > 300, 'a while');
    reader[Symbol.dispose]();
    await until(async () => (await log.metric(`http_requests_total{${labels},code="200"}`)) === 1, 'the count');
    expect(await log.metric(`request_latency_seconds_sum{${labels}}`)).toBeLessThan(0.3);
    expect(await log.metric(CLIENTS)).toBe(0);
  });
});

describe('streams', () => {
  it('are bounded: one too many is refused, and a place that was left is free', async () => {
    await boot(2);
    const first = await open();
    await open();
    const refused = await log.call(STREAM);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(ErrorEnvelope.parse(await refused.json()).error).toMatchObject({ code: 'saturated', reason: 'streams' });
    expect(await log.metric('rejected_total{service="registry",reason="streams"}')).toBe(1);
    first[Symbol.dispose]();
    await until(async () => (await log.metric(CLIENTS)) === 1, 'the place to be free');
    expect((await open()).response.statusCode).toBe(200);
  });

  it('end when the node goes, before it waits for its requests', async () => {
    await boot();
    const reader = await open();
    await reader.reads(1);
    const startedAt = performance.now();
    await log.close();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await until(() => reader.ended, 'the end of the stream');
    expect(reader.broken).toBe(false);
    expect(reader.comments).toHaveLength(1);
  });
});

describe('a client that does not keep up', () => {
  const PADDING = 'x'.repeat(60_000);

  it('loses its queue, is told how far the log is, and goes on from there', async () => {
    await boot(10, { queue: 8 });
    const slow = await open('0');
    const quick = await open('0');
    slow.pause();
    let committed = 0;
    await until(async () => {
      log.feed.commit(1, PADDING);
      committed += 1;
      await quick.reads(committed);
      return (await log.metric(LAGGED)) === 1;
    }, 'the slow client to lag');
    log.feed.commit(5);
    slow.resume();
    await until(() => slow.events.some(({ event }) => event === 'lag'), 'the lag to be told');
    log.feed.commit(3);
    await until(() => slow.versions.at(-1) === committed + 8, 'the last version');
    const lag = slow.events.findIndex(({ event }) => event === 'lag');
    const before = slow.events.slice(0, lag).map(({ id }) => Number(id));
    expect(before).toEqual(upTo(1, before.length));
    expect(slow.events[lag]).toMatchObject({ id: String(committed + 5), data: { version: committed + 5 } });
    expect(slow.events.slice(lag + 1).map(({ id }) => Number(id))).toEqual(upTo(committed + 6, committed + 8));
    await quick.reads(committed + 8);
    expect(quick.versions).toEqual(upTo(1, committed + 8));
  });

  it('is bounded by bytes too, those its socket holds included', async () => {
    // The bound of events is out of reach, so that only that of bytes can make it lag.
    await boot(10, { queue: 1_000_000, queueBytes: 100_000 });
    const slow = await open('0');
    slow.pause();
    await until(async () => {
      log.feed.commit(1, PADDING);
      return (await log.metric(LAGGED)) === 1;
    }, 'the slow client to lag');
  });

  it('is cut when it takes nothing for long', async () => {
    await boot(10, { stallMs: 20 });
    const slow = await open('0');
    slow.pause();
    await until(async () => {
      log.feed.commit(20, PADDING);
      return (await log.metric(STALLED)) === 1;
    }, 'the client to be cut');
    await until(async () => (await log.metric(CLIENTS)) === 0, 'its place to be free');
  });
});

describe('the EventSource of browsers', () => {
  it('goes on where it was after the node was replaced', async () => {
    await boot();
    const { feed } = log;
    feed.commit(5);
    const seen: string[] = [];
    const source = new EventSource(`${log.url}${STREAM}?last_event_id=3`);
    const note = ({ type, lastEventId }: MessageEvent): void => void seen.push(`${type} ${lastEventId}`);
    for (const type of ['commit', 'reset', 'lag']) source.addEventListener(type, note);
    try {
      await until(() => seen.length === 2, 'the backfill');
      feed.commit();
      await until(() => seen.length === 3, 'a commit');
      const port = Number(new URL(log.url).port);
      await log.close();
      const next = new BootedLog();
      next.feed.commit(8);
      await next.start(port);
      log = next;
      await until(() => seen.length === 5, 'what was committed meanwhile');
      log.feed.commit();
      await until(() => seen.length === 6, 'a commit on the other node');
    } finally {
      source.close();
    }
    expect(seen).toEqual(upTo(4, 9).map((version) => `commit ${String(version)}`));
  });
});
