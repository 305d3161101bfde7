import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BusOverflow } from '../errors.ts';
import { Bench, bytes, Collector, serve, text } from './redis-bench.ts';
import { until } from './redis-fixture.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench[Symbol.asyncDispose]());

describe('inbox', () => {
  it('delivers in order, keeps every byte, and stays short', async () => {
    const link = await bench.link();
    const received: number[] = [];
    await link.openInbox('me', (entry) => received.push(new DataView(entry.buffer, entry.byteOffset).getUint32(0)));
    const { stream, counters } = bench.keys.inbox('me');
    await Promise.all(
      Array.from({ length: 2_000 }, (_, i) => {
        const entry = new Uint8Array(64);
        new DataView(entry.buffer).setUint32(0, i);
        return link.appendInbox('me', entry);
      }),
    );
    await until(() => received.length === 2_000, 'all arrive');
    expect(received).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
    await until(async () => (await bench.admin.xlen(stream)) === 0, 'what was read is trimmed');
    expect(await bench.admin.hget(counters, 'bytes')).toBe('0');
    expect(await bench.admin.xinfo('GROUPS', stream)).toEqual([]);
  });

  it('says false and makes nothing when nobody is there', async () => {
    const link = await bench.link();
    expect(await link.appendInbox('nobody', bytes('lost'))).toBe(false);
    const inbox = await link.openInbox('me', () => undefined);
    expect(await link.appendInbox('me', bytes('found'))).toBe(true);
    await inbox.close();
    expect(await link.appendInbox('me', bytes('lost'))).toBe(false);
    expect(await bench.admin.keys(bench.keys.inbox('*').stream)).toEqual([]);
  });

  it('ends with its lease when its owner is gone, and no key comes back', async () => {
    const owner = await bench.link({ timings: { inboxLease: 300, inboxRenew: 100, heartbeat: 50 } });
    await owner.openInbox('me', () => undefined);
    const sender = await bench.link();
    expect(await sender.appendInbox('me', bytes('a'))).toBe(true);
    owner.abandon();
    await until(async () => !(await sender.appendInbox('me', bytes('b'))), 'the lease ends');
    expect(await bench.admin.exists(bench.keys.inbox('me').stream, bench.keys.inbox('me').counters)).toBe(0);
  });

  it('outlives its lease as long as its owner lives', async () => {
    const owner = await bench.link({ timings: { inboxLease: 400, inboxRenew: 100, heartbeat: 50 } });
    await owner.openInbox('me', () => undefined);
    const since = Date.now();
    await until(async () => {
      expect(await owner.appendInbox('me', bytes('a'))).toBe(true);
      return Date.now() - since > 1_500;
    }, 'several leases');
  });

  it('refuses what a stuck owner could not take, by entries and by bytes', async () => {
    const sender = await bench.link({ bounds: { inboxEntries: 3, inboxBytes: 1_000 } });
    const owner = await bench.link();
    await owner.openInbox('me', () => undefined);
    owner.abandon();
    await sender.appendInbox('me', bytes('1'));
    await expect(sender.appendInbox('me', new Uint8Array(1_000))).rejects.toBeInstanceOf(BusOverflow);
    await sender.appendInbox('me', bytes('2'));
    await sender.appendInbox('me', bytes('3'));
    await expect(sender.appendInbox('me', bytes('4'))).rejects.toBeInstanceOf(BusOverflow);
    expect(await bench.admin.xlen(bench.keys.inbox('me').stream)).toBe(3);
  });
});

describe('work', () => {
  it('reaches every group once, and is deleted when all have settled it', async () => {
    const link = await bench.link();
    const groups = await Promise.all(
      ['index', 'storage'].map(async (group) => {
        const collector = new Collector();
        collector.settles = false;
        collector.consumer = await link.consumeWork('object.stored', group, `${group}-1`, collector);
        return collector;
      }),
    );
    const { stream } = bench.keys.work('object.stored', '');
    for (let i = 0; i < 20; i++) await link.appendWork('object.stored', bytes(`event ${i}`), 1);
    await until(() => groups.every(({ deliveries }) => deliveries.length === 20), 'both groups have all');
    const [index, storage] = groups;
    for (const delivery of index?.deliveries ?? []) index?.consumer?.settle(delivery);
    await until(async () => (await bench.admin.xpending(stream, 'index'))[0] === 0, 'one group settled');
    expect(await bench.admin.xlen(stream)).toBe(20);
    for (const delivery of storage?.deliveries ?? []) storage?.consumer?.settle(delivery);
    await until(async () => (await bench.admin.xlen(stream)) === 0, 'it is deleted');
    expect(await bench.admin.hget(bench.keys.work('object.stored', '').counters, 'frames')).toBe('0');
  });

  it('waits for a group that is not reading yet, and refuses when full instead of trimming', async () => {
    const link = await bench.link({ bounds: { streamFrames: 5 } });
    for (let i = 0; i < 5; i++) await link.appendWork('object.stored', bytes(`event ${i}`), 1);
    await expect(link.appendWork('object.stored', bytes('over'), 1)).rejects.toBeInstanceOf(BusOverflow);
    const collector = new Collector();
    await link.consumeWork('object.stored', 'index', 'index-1', collector);
    await until(() => collector.deliveries.length === 5, 'all five were kept');
  });
});

describe('dead letters', () => {
  it('keep the original bytes, the reason, the attempts and the consumer, and are bounded', async () => {
    const link = await bench.link({ bounds: { deadLetterEntries: 3 } });
    const collector = await serve(link, 'storage', 'one');
    collector.settles = false;
    const { stream, counters } = bench.keys.deadLetters('storage');
    for (let i = 0; i < 5; i++) await link.appendRequest('storage', 'fast', Uint8Array.of(0xff, i), 1);
    await until(() => collector.deliveries.length === 5, 'all arrive');
    for (const delivery of collector.deliveries) await collector.consumer?.deadLetter(delivery, 'malformed');
    const letters = await bench.admin.xrangeBuffer(stream, '-', '+');
    expect(letters).toHaveLength(3);
    const fields = letters[2]?.[1] ?? [];
    const field = (name: string): Buffer | undefined => fields[fields.findIndex((f) => f.toString() === name) + 1];
    expect(field('f')).toEqual(Buffer.from([0xff, 4]));
    expect(field('reason')?.toString()).toBe('malformed');
    expect(field('attempt')?.toString()).toBe('1');
    expect(field('consumer')?.toString()).toBe('one');
    expect(await bench.admin.hmget(counters, 'bytes', 'dropped')).toEqual(['6', '2']);
    expect(await bench.admin.xlen(bench.keys.request('storage', 'fast').stream)).toBe(0);
    expect(bench.events.filter(({ type }) => type === 'dead_lettered')).toHaveLength(5);
  });
});

describe('the pending bound of a group', () => {
  it('leaves a share to whoever joins late, although the others are idle', async () => {
    const bounds = { groupPendingEntries: 1_024 };
    for (let n = 0; n < 8; n++) await serve(await bench.link({ bounds }), 'storage', `idle-${n}`);
    const shares = await bench.admin.hgetall(bench.keys.request('storage', 'fast').shares);
    const given = Object.values(shares).map(Number);
    expect(given).toHaveLength(8);
    expect(Math.min(...given)).toBeGreaterThan(0);
    expect(given.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(1_024);
  });

  it('counts what consumers that are gone still hold', async () => {
    const timings = { presence: 300, heartbeat: 100, reclaimMinIdle: 60_000 };
    const link = await bench.link({ bounds: { groupPendingEntries: 4 }, timings });
    const gone = await serve(link, 'storage', 'gone');
    gone.settles = false;
    const sender = await bench.link();
    for (let i = 0; i < 8; i++) await sender.appendRequest('storage', 'fast', bytes(`request ${i}`), 1);
    await until(() => gone.deliveries.length === 4, 'it holds all it may');
    link.abandon();
    const { stream, live } = bench.keys.request('storage', 'fast');
    await until(async () => (await bench.admin.exists(live)) === 0, 'its presence ends');
    const heir = await serve(await bench.link({ bounds: { groupPendingEntries: 4 }, timings }), 'storage', 'heir');
    await until(() => bench.events.some(({ type }) => type === 'pending_limited'), 'the heir has no share');
    expect(heir.deliveries).toHaveLength(0);
    const pending = await bench.admin.xpending(stream, 'storage');
    expect(pending[0]).toBe(4);
  });
});

describe('hints', () => {
  it('reach every follower from the end on, numbered without a gap', async () => {
    const [left, right] = [await bench.link(), await bench.link()];
    await left.publishHint('registry.head', bytes('before'));
    const got: [number, string][][] = [[], []];
    const followers = await Promise.all(
      [left, right].map((link, i) =>
        link.followHints('registry.head', (sequence, entry) => got[i]?.push([sequence, text(entry)])),
      ),
    );
    expect(followers.map(({ after }) => after)).toEqual([1, 1]);
    for (let i = 0; i < 100; i++) await right.publishHint('registry.head', bytes(`hint ${i}`));
    await until(() => got.every((list) => list.length === 100), 'both have all');
    const expected = Array.from({ length: 100 }, (_, i) => [i + 2, `hint ${i}`]);
    expect(got).toEqual([expected, expected]);
  });

  it('are capped in entries and bytes, and the gap of a late reader is exact', async () => {
    const link = await bench.link({ bounds: { hintEntries: 10, hintBytes: 300 } });
    const sequences: number[] = [];
    const { after } = await link.followHints('registry.head', (sequence) => sequences.push(sequence));
    expect(after).toBe(0);
    const { stream } = bench.keys.hints('registry.head');
    await link.publishHint('registry.head', new Uint8Array(8));
    await until(() => sequences.length === 1, 'the first arrives');
    // Fifty in one step of the server, so that the follower cannot keep pace.
    const batch = bench.admin.multi();
    const seen = await bench.admin.hgetall(bench.keys.hints('registry.head').counters);
    for (let i = 2; i <= 51; i++) batch.xadd(stream, '*', 's', i, 'e', seen['epoch'] ?? '', 'f', 'x'.repeat(8));
    batch.xtrim(stream, 'MAXLEN', 10);
    batch.hset(bench.keys.hints('registry.head').counters, 'seq', 51, 'bytes', 80);
    await batch.exec();
    await until(() => sequences.at(-1) === 51, 'the last arrives');
    expect(sequences).toEqual([1, ...Array.from({ length: 10 }, (_, i) => 42 + i)]);
    for (let i = 0; i < 20; i++) await link.publishHint('registry.head', new Uint8Array(100));
    expect(await bench.admin.xlen(stream)).toBe(3);
    await until(() => sequences.at(-1) === 71, 'all are numbered on');
  });

  it('show a loss when their counter begins a new life, also by a clock that runs behind', async () => {
    const link = await bench.link();
    const sequences: number[] = [];
    await link.followHints('registry.head', (sequence) => sequences.push(sequence));
    const { stream, counters } = bench.keys.hints('registry.head');
    for (let i = 0; i < 2; i++) await link.publishHint('registry.head', bytes('old'));
    const epoch = (await bench.admin.hget(counters, 'epoch')) ?? '';
    await bench.admin.xadd(stream, `${Date.now() + 3_600_000}-0`, 's', 3, 'e', epoch, 'f', 'old');
    await until(() => sequences.length === 3, 'the old ones arrive');
    await bench.admin.del(stream, counters);
    await link.publishHint('registry.head', bytes('new'));
    await until(() => sequences.length === 4, 'the new one arrives');
    expect(sequences).toEqual([1, 2, 3, 5]);
  });
});
