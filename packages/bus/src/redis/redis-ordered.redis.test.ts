import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Consumer, Delivery } from '../link.ts';
import { orderedLane } from '../order.ts';
import { Bench, bytes, text } from './redis-bench.ts';
import { until } from './redis-fixture.ts';
import type { RedisLink } from './redis-link.ts';

const SOURCE = { kind: 'request', service: 'ledger' } as const;
const FAST = { presence: 1_500, heartbeat: 150, block: 300 };

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench[Symbol.asyncDispose]());

class Reader {
  readonly deliveries: Delivery[] = [];
  readonly link: RedisLink;
  readonly instance: string;
  consumer: Consumer | undefined;
  settles = true;

  constructor(link: RedisLink, instance: string) {
    this.link = link;
    this.instance = instance;
  }

  static async start(instance: string): Promise<Reader> {
    const reader = new Reader(await bench.link({ timings: FAST }), instance);
    reader.consumer = await reader.link.consumeOrdered(SOURCE, instance, {
      credits: () => 100,
      onDelivery: (delivery) => {
        reader.deliveries.push(delivery);
        if (reader.settles) reader.consumer?.settle(delivery);
      },
    });
    return reader;
  }

  get texts(): string[] {
    return this.deliveries.map(({ entry }) => text(entry));
  }
}

const holders = async (): Promise<Map<string, number>> => {
  const held = new Map<string, number>();
  const fields = await bench.admin.hgetall(bench.keys.request('ledger', orderedLane(0)).lease);
  for (const [field, holder] of Object.entries(fields)) {
    if (/^\d+$/.test(field)) held.set(holder, (held.get(holder) ?? 0) + 1);
  }
  return held;
};

const shares = async (): Promise<string> => [...(await holders()).values()].sort().join();

describe('partitions', () => {
  it('are shared fairly, and shared anew when an instance comes, leaves, or dies', async () => {
    const one = await Reader.start('one');
    await until(async () => (await shares()) === '8', 'one has all');
    await Reader.start('two');
    await until(async () => (await shares()) === '4,4', 'two share');
    const three = await Reader.start('three');
    await until(async () => (await shares()) === '2,3,3', 'three share');
    await one.consumer?.stop();
    await until(async () => (await shares()) === '4,4', 'two are left');
    three.link.abandon();
    await until(async () => (await shares()) === '8', 'one is left');
  });

  it('are given back only when what was taken of them is settled', async () => {
    const one = await Reader.start('one');
    one.settles = false;
    await one.link.appendRequest('ledger', orderedLane(3), bytes('a'), 1);
    await until(() => one.deliveries.length === 1, 'it is taken');
    const two = await Reader.start('two');
    await one.consumer?.stop();
    await until(async () => (await shares()) === '1,7', 'the other seven are taken over');
    await one.link.appendRequest('ledger', orderedLane(3), bytes('b'), 1);
    const [a] = one.deliveries;
    if (a === undefined) throw new Error('nothing was delivered');
    expect(two.texts).toEqual([]);
    one.consumer?.settle(a);
    await until(() => two.deliveries.length === 1, 'what follows arrives');
    expect(two.texts).toEqual(['b']);
  });

  it('of a holder that was paused are settled by the next one only', async () => {
    const one = await Reader.start('one');
    one.settles = false;
    const lane = orderedLane(0);
    const { stream, lease, live } = bench.keys.request('ledger', lane);
    for (const entry of ['a', 'b']) await one.link.appendRequest('ledger', lane, bytes(entry), 1);
    await until(() => one.deliveries.length === 2, 'both are taken');
    // As a pause beyond its presence would: the others see it gone, and one of them takes its place.
    await bench.admin.hset(lease, '0', 'two');
    await bench.admin.zadd(live, Date.now() + 60_000, 'two');
    const [a, b] = one.deliveries;
    if (a === undefined || b === undefined) throw new Error('nothing was delivered');
    one.consumer?.settle(a);
    const two = await Reader.start('two');
    await until(() => two.deliveries.length === 2, 'the next one begins with both');
    expect(two.texts).toEqual(['a', 'b']);
    expect(two.deliveries.every(({ attempt }) => attempt === 2)).toBe(true);
    await until(async () => (await bench.admin.xlen(stream)) === 0, 'it settles them');
  });
});
