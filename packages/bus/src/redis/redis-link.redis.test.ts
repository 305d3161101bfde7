import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BusNoResponders, BusOverflow, BusUnavailable } from '../errors.ts';
import type { Delivery } from '../link.ts';
import { Bench, bytes, serve, text } from './redis-bench.ts';
import { redisUrl, until } from './redis-fixture.ts';
import { RedisLink } from './redis-link.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench[Symbol.asyncDispose]());

describe('admission', () => {
  it('refuses a request within 50 ms when nobody is there, and carries it once somebody is', async () => {
    const link = await bench.link();
    const took: number[] = [];
    for (let i = 0; i < 5; i++) {
      const before = performance.now();
      await expect(link.appendRequest('storage', 'fast', bytes('a'), 1)).rejects.toBeInstanceOf(BusNoResponders);
      took.push(performance.now() - before);
    }
    // The quickest of five: what the link needs, not what a busy machine adds.
    expect(Math.min(...took)).toBeLessThan(50);
    const collector = await serve(link, 'storage', 'one');
    await link.appendRequest('storage', 'fast', bytes('b'), 1);
    await until(() => collector.texts.includes('b'), 'the request arrives');
  });

  it('queues instead of refusing while a service restarts', async () => {
    const link = await bench.link();
    await link.markRestarting('storage', 10_000);
    await link.appendRequest('storage', 'fast', bytes('waiting'), 1);
    const collector = await serve(link, 'storage', 'one');
    await until(() => collector.texts.includes('waiting'), 'what was queued arrives');
  });

  it('refuses at the frame bound with a time to retry, trims nothing, and admits again when there is room', async () => {
    const link = await bench.link({ bounds: { streamFrames: 8 } });
    const collector = await serve(link, 'storage', 'one', 0);
    for (let i = 0; i < 8; i++) await link.appendRequest('storage', 'fast', bytes(`held ${i}`), 1);
    const refusal: unknown = await link.appendRequest('storage', 'fast', bytes('over'), 1).catch((e: unknown) => e);
    expect(refusal).toBeInstanceOf(BusOverflow);
    expect(refusal).toMatchObject({ gate: 'stream' });
    expect((refusal as BusOverflow).retryAfterMs).toBeGreaterThanOrEqual(50);
    expect((refusal as BusOverflow).retryAfterMs).toBeLessThanOrEqual(5_000);
    expect(await bench.admin.xlen(bench.keys.request('storage', 'fast').stream)).toBe(8);

    collector.credit = 100;
    collector.consumer?.wake();
    await until(() => collector.deliveries.length === 8, 'everything admitted is delivered');
    await until(async () => (await bench.admin.xlen(bench.keys.request('storage', 'fast').stream)) === 0, 'settled');
    await link.appendRequest('storage', 'fast', bytes('again'), 8);
  });

  it('counts bytes as well as frames', async () => {
    const link = await bench.link({ bounds: { streamBytes: 1_000 } });
    await serve(link, 'storage', 'one', 0);
    await link.appendRequest('storage', 'fast', new Uint8Array(600), 1);
    await expect(link.appendRequest('storage', 'fast', new Uint8Array(600), 1)).rejects.toBeInstanceOf(BusOverflow);
  });

  it('heals its counters when the stream is empty', async () => {
    const link = await bench.link({ bounds: { streamFrames: 4 } });
    const collector = await serve(link, 'storage', 'one');
    await bench.admin.hset(bench.keys.request('storage', 'fast').counters, 'frames', 1_000, 'bytes', 1e12);
    await link.appendRequest('storage', 'fast', bytes('a'), 4);
    await until(() => collector.deliveries.length === 1, 'the request arrives');
  });

  it('counts an entry down once, however often it is settled', async () => {
    const link = await bench.link();
    const collector = await serve(link, 'storage', 'one');
    collector.settles = false;
    await link.appendRequest('storage', 'fast', bytes('a'), 3);
    await link.appendRequest('storage', 'fast', bytes('b'), 5);
    await until(() => collector.deliveries.length === 2, 'both arrive');
    const [a] = collector.deliveries;
    if (a === undefined) throw new Error('nothing was delivered');
    const { stream, counters } = bench.keys.request('storage', 'fast');
    for (let i = 0; i < 3; i++) {
      collector.consumer?.settle(a);
      await until(async () => (await bench.admin.xlen(stream)) === 1, 'one is left');
    }
    await until(async () => (await bench.admin.hget(counters, 'frames')) === '5', 'five frames are left');
    expect(await bench.admin.hget(counters, 'bytes')).toBe('1');
  });
});

describe('requests', () => {
  it('keeps every byte, from an empty entry to 1 MiB', async () => {
    const link = await bench.link();
    const collector = await serve(link, 'storage', 'one');
    const every = Uint8Array.from({ length: 65_536 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
    const large = new Uint8Array(1024 * 1024).fill(0xff);
    for (const entry of [new Uint8Array(0), every, large]) await link.appendRequest('storage', 'fast', entry, 1);
    await until(() => collector.deliveries.length === 3, 'all arrive');
    const received = collector.deliveries.map(({ entry }) => Buffer.from(entry));
    expect(received[0]).toHaveLength(0);
    expect(received[1]?.equals(every)).toBe(true);
    expect(received[2]?.equals(large)).toBe(true);
    expect(collector.deliveries.every(({ attempt, ageMs }) => attempt === 1 && ageMs >= 0 && ageMs < 5_000)).toBe(true);
  });

  it('hands on what a stranger wrote as an entry without bytes', async () => {
    const link = await bench.link();
    const collector = await serve(link, 'storage', 'one');
    await bench.admin.xadd(bench.keys.request('storage', 'fast').stream, '*', 'who', 'knows', 'n', 'many');
    await until(() => collector.deliveries.length === 1, 'it is delivered');
    expect(collector.deliveries[0]?.entry).toHaveLength(0);
    await until(async () => (await bench.admin.xlen(bench.keys.request('storage', 'fast').stream)) === 0, 'settled');
  });

  it('shares the work among consumers, each entry to one of them', async () => {
    const [left, right, sender] = [await bench.link(), await bench.link(), await bench.link()];
    const one = await serve(left, 'storage', 'one');
    const two = await serve(right, 'storage', 'two');
    one.credit = two.credit = 1;
    const sent = Array.from({ length: 200 }, (_, i) => `request ${i}`);
    for (const entry of sent) await sender.appendRequest('storage', 'fast', bytes(entry), 1);
    await until(() => one.deliveries.length + two.deliveries.length === sent.length, 'all are served');
    expect([...one.texts, ...two.texts].sort()).toEqual([...sent].sort());
    expect(Math.min(one.deliveries.length, two.deliveries.length)).toBeGreaterThan(40);
    expect(sender.liveConsumers('storage')).toBe(2);
  });

  it('leaves nothing behind when all is settled', async () => {
    const link = await bench.link();
    const collector = await serve(link, 'storage', 'one');
    await Promise.all(
      Array.from({ length: 500 }, (_, i) => link.appendRequest('storage', 'fast', bytes(`request ${i}`), 1)),
    );
    await until(() => collector.deliveries.length === 500, 'all are served');
    const { stream, counters } = bench.keys.request('storage', 'fast');
    await until(async () => (await bench.admin.xlen(stream)) === 0, 'all are settled');
    expect((await bench.admin.xpending(stream, 'storage'))[0]).toBe(0);
    expect(await bench.admin.hmget(counters, 'frames', 'bytes')).toEqual(['0', '0']);
    const readings = await link.readings();
    expect(readings.find(({ stream: kind }) => kind === 'request')).toMatchObject({
      name: 'storage',
      lane: 'fast',
      depthEntries: 0,
      depthBytes: 0,
      pendingEntries: 0,
      oldestPendingMs: 0,
    });
  });

  it('reads nothing without credit, and at once when woken', async () => {
    const link = await bench.link();
    const collector = await serve(link, 'storage', 'one', 0);
    await link.appendRequest('storage', 'fast', bytes('waits'), 1);
    expect((await link.readings()).find(({ stream }) => stream === 'request')?.depthEntries).toBeGreaterThan(0);
    expect(collector.texts).not.toContain('waits');
    collector.credit = 10;
    collector.consumer?.wake();
    await until(() => collector.texts.includes('waits'), 'it is read', 400);
  });

  it('stops at once although its read blocks, and is out of sight', async () => {
    const link = await bench.link({ timings: { block: 10_000 } });
    const collector = await serve(link, 'storage', 'one');
    const before = performance.now();
    await collector.consumer?.stop();
    expect(performance.now() - before).toBeLessThan(2_000);
    await expect(link.appendRequest('storage', 'fast', bytes('a'), 1)).rejects.toBeInstanceOf(BusNoResponders);
  });
});

describe('reclaim', () => {
  const timings = {
    reclaimMinIdle: 400,
    reclaimEvery: 100,
    reclaimIdleEvery: 100,
    janitorEvery: 200,
  };

  it('delivers what a killed consumer held once more, as attempt 2, to one of the others', async () => {
    const doomed = await bench.link({ timings });
    const held = await serve(doomed, 'storage', 'doomed');
    held.settles = false;
    await doomed.appendRequest('storage', 'fast', bytes('survivor'), 2);
    await until(() => held.deliveries.length === 1, 'the doomed one holds it');
    const others = await Promise.all(
      [0, 1, 2].map(async (i) => serve(await bench.link({ timings }), 'storage', `o${i}`)),
    );
    doomed.abandon();
    const all = (): Delivery[] => others.flatMap(({ deliveries }) => deliveries);
    await until(() => all().length > 0, 'somebody takes over');
    const { stream } = bench.keys.request('storage', 'fast');
    await until(async () => (await bench.admin.xlen(stream)) === 0, 'it is settled');
    expect(all()).toHaveLength(1);
    expect(all()[0]).toMatchObject({ attempt: 2 });
    expect(text(all()[0]?.entry ?? new Uint8Array())).toBe('survivor');
  });

  it('leaves a slow consumer its entry as long as it lives', async () => {
    const slow = await serve(await bench.link({ timings }), 'storage', 'slow');
    slow.settles = false;
    const sender = await bench.link({ timings });
    await sender.appendRequest('storage', 'fast', bytes('slow work'), 1);
    await until(() => slow.deliveries.length === 1, 'the slow one has it');
    const eager = await serve(sender, 'storage', 'eager');
    const { stream } = bench.keys.request('storage', 'fast');
    const since = Date.now();
    await until(() => Date.now() - since > 1_500, 'several times the idle limit');
    expect(eager.deliveries).toHaveLength(0);
    slow.consumer?.settle(slow.deliveries[0] as Delivery);
    await until(async () => (await bench.admin.xlen(stream)) === 0, 'it is settled');
  });

  it('delivers again what was given back, at once, without counting that delivery', async () => {
    // An idle time nobody waits for, and a reclaimer that hears of it by its heartbeat.
    const patient = {
      ...timings,
      reclaimMinIdle: 60_000,
      reclaimEvery: 60_000,
      reclaimIdleEvery: 60_000,
      heartbeat: 100,
    };
    const collector = await serve(await bench.link({ timings: patient }), 'storage', 'one');
    collector.settles = false;
    const sender = await bench.link({ timings });
    await sender.appendRequest('storage', 'fast', bytes('fails at first'), 1);
    await until(() => collector.deliveries.length === 1, 'the first delivery');
    collector.settles = true;
    collector.consumer?.release(collector.deliveries[0] as Delivery, 'a note');
    await until(() => collector.deliveries.length === 2, 'the second delivery');
    expect(collector.deliveries[1]).toMatchObject({ attempt: 1, note: 'a note', id: collector.deliveries[0]?.id });
    const { stream } = bench.keys.request('storage', 'fast');
    await until(async () => (await bench.admin.xlen(stream)) === 0, 'it is settled');
  });

  it('gets past a thousand busy entries to the stale one behind them', async () => {
    const { stream } = bench.keys.request('storage', 'fast');
    const busy = await serve(await bench.link({ timings }), 'storage', 'busy');
    busy.settles = false;
    busy.credit = 2_000;
    const sender = await bench.link({ timings });
    await Promise.all(Array.from({ length: 1_000 }, () => sender.appendRequest('storage', 'fast', bytes('busy'), 1)));
    await until(() => busy.deliveries.length === 1_000, 'the busy one holds them');
    const doomed = await bench.link({ timings });
    busy.credit = 0;
    const held = await serve(doomed, 'storage', 'doomed');
    held.settles = false;
    await until(async () => {
      if (held.deliveries.length === 0) await sender.appendRequest('storage', 'fast', bytes('stale'), 1);
      return held.deliveries.length > 0;
    }, 'the doomed one holds one');
    doomed.abandon();
    const heir = await serve(sender, 'storage', 'heir');
    await until(() => heir.deliveries.some(({ attempt }) => attempt === 2), 'the heir takes it over');
    expect(heir.deliveries.filter(({ attempt }) => attempt === 2).map(({ entry }) => text(entry))).toEqual(['stale']);
    expect(await bench.admin.exists(stream)).toBe(1);
  });

  it('takes up its own pending entries first when it comes back under its name', async () => {
    const first = await bench.link();
    const before = await serve(first, 'storage', 'same');
    before.settles = false;
    for (let i = 0; i < 40; i++) await first.appendRequest('storage', 'fast', bytes(`held ${i}`), 1);
    await until(() => before.deliveries.length === 40, 'the first life holds them');
    first.abandon();
    const after = await serve(await bench.link(), 'storage', 'same');
    await until(() => after.deliveries.length === 40, 'the second life has them');
    expect(after.deliveries.every(({ attempt }) => attempt === 2)).toBe(true);
  });

  it('removes names of gone consumers, never one with pending entries', async () => {
    const { stream } = bench.keys.request('storage', 'fast');
    const short = { ...timings, presence: 300, heartbeat: 100, reclaimMinIdle: 60_000 };
    const holder = await bench.link({ timings: short });
    const held = await serve(holder, 'storage', 'holder');
    held.settles = false;
    await holder.appendRequest('storage', 'fast', bytes('held'), 1);
    await until(() => held.deliveries.length === 1, 'the holder has it');
    holder.abandon();
    await bench.admin.xgroup('CREATECONSUMER', stream, 'storage', 'gone');
    await serve(await bench.link({ timings: short }), 'storage', 'live');
    const names = async (): Promise<string[]> =>
      ((await bench.admin.xinfo('CONSUMERS', stream, 'storage')) as string[][]).map((c) => String(c[1])).sort();
    await until(async () => !(await names()).includes('gone'), 'the gone one is removed');
    expect(await names()).toContain('holder');
  });
});

describe('a link', () => {
  it('tells its status once each, and never flaps while it opens its readers', async () => {
    const statuses: string[] = [];
    const link = new RedisLink({ url: redisUrl(), namespace: bench.namespace, name: 'status' });
    expect(link.status()).toBe('connecting');
    link.onStatus((status) => statuses.push(status));
    await Promise.all([link.start(), link.start()]);
    await serve(link, 'storage', 'one');
    await link.openInbox('me', () => undefined);
    await link.followHints('registry.head', () => undefined);
    await link.close();
    await link.close();
    expect(statuses).toEqual(['ready', 'closed']);
    await expect(link.appendRequest('storage', 'fast', bytes('a'), 1)).rejects.toBeInstanceOf(BusUnavailable);
    expect(await bench.admin.keys(bench.keys.inbox('*').stream)).toEqual([]);
  });
});
