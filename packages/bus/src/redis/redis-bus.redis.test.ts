import { MetricsRegistry } from '@macronode/metrics';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Bus } from '../bus.ts';
import { BusError } from '../errors.ts';
import { RedisProcess, until } from './redis-fixture.ts';
import { RedisLink } from './redis-link.ts';
import { StreamKeys } from './stream-keys.ts';
import type { BusSubject } from '../subject.ts';

const anything = { parse: (value: unknown): unknown => value };
const subject = (name: string, stream: 'none' | 'reply' = 'none'): BusSubject<unknown, unknown> => ({
  name,
  service: 'storage',
  request: anything,
  reply: anything,
  stream,
  idempotent: true,
  deadlineMs: 1_500,
});
const ECHO = subject('storage.echo');
const READ = subject('storage.read', 'reply');
const CHUNK = 65_536;
const context = { corrId: 'test' };

let redis: RedisProcess;
let admin: Redis;
let links: RedisLink[];
let buses: Bus[];
let runs: Map<number, number>;

async function openBus(service: string, registry = new MetricsRegistry()): Promise<Bus> {
  const link = new RedisLink({ url: redis.url, name: service, timings: { block: 500, reclaimMinIdle: 6_000 } });
  const bus = new Bus({
    service,
    link,
    metrics: registry.scope({ service }),
    limits: { streamIdleMs: 2_000 },
  });
  links.push(link);
  buses.push(bus);
  if (service === 'storage') {
    bus.serve(ECHO.name, (payload) => {
      const { number } = payload as { number: number };
      runs.set(number, (runs.get(number) ?? 0) + 1);
      return payload;
    });
    bus.serve(READ.name, (_payload, ctx) => {
      async function* source(): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < 100; i++) yield new Uint8Array(CHUNK).fill(i);
      }
      return ctx.stream({ chunks: 100 }, source());
    });
  }
  await bus.start();
  return bus;
}

const killAll = async (pattern: RegExp): Promise<void> => {
  for (const line of String(await admin.client('LIST')).split('\n')) {
    const id = /\bid=(\d+)/.exec(line)?.[1];
    if (id !== undefined && pattern.test(line)) await admin.client('KILL', 'ID', id).catch(() => undefined);
  }
};

beforeEach(async () => {
  redis = await RedisProcess.start(['--appendonly', 'yes', '--appendfsync', 'always']);
  admin = new Redis(redis.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  admin.on('error', () => undefined);
  links = [];
  buses = [];
  runs = new Map();
});

afterEach(async () => {
  await Promise.all(buses.map((bus) => bus.close()));
  await Promise.all(links.map((link) => link.close()));
  admin.disconnect();
  await redis.dispose();
});

/** Thousand calls at once; each ends with its own answer or with an error of the bus. */
async function thousand(gateway: Bus, from: number): Promise<{ answered: number; failed: number }> {
  let answered = 0;
  let failed = 0;
  await Promise.all(
    Array.from({ length: 1_000 }, async (_, i) => {
      try {
        expect(await gateway.call(ECHO, { number: from + i }, context)).toEqual({ number: from + i });
        answered += 1;
      } catch (error) {
        if (!(error instanceof BusError)) throw error;
        failed += 1;
      }
    }),
  );
  return { answered, failed };
}

it('answers every call while all goes well, and leaves nothing behind', async () => {
  await openBus('storage');
  await openBus('storage');
  const gateway = await openBus('gateway');
  expect(await thousand(gateway, 0)).toEqual({ answered: 1_000, failed: 0 });
  expect([...runs.values()].every((count) => count === 1)).toBe(true);
  const { stream } = new StreamKeys().request('storage', 'fast');
  await until(async () => (await admin.xlen(stream)) === 0, 'all is settled');
  expect((await admin.xpending(stream, 'storage'))[0]).toBe(0);
});

it('ends every call in time while connections are cut under it', async () => {
  await openBus('storage');
  const gateway = await openBus('gateway');
  for (const [round, victims] of [/name=bus:gateway/, /name=bus:storage/, /name=bus:/].entries()) {
    const since = performance.now();
    const calls = thousand(gateway, round * 1_000);
    await killAll(victims);
    const { answered, failed } = await calls;
    expect(answered + failed).toBe(1_000);
    expect(performance.now() - since).toBeLessThan(5_000);
    await until(
      () =>
        gateway.call(ECHO, { number: -1 }, context).then(
          () => true,
          () => false,
        ),
      'calls are answered again',
    );
  }
});

it('keeps the bytes of a stream whole, or says that they are not', async () => {
  await openBus('storage');
  const gateway = await openBus('gateway');
  for (const victims of [/^$/, /name=bus:gateway/, /name=bus:storage/]) {
    const received: number[] = [];
    try {
      const { body } = await gateway.read(READ, {}, context);
      for await (const chunk of body) {
        expect(chunk).toHaveLength(CHUNK);
        received.push(chunk[0] ?? -1);
        if (received.length === 10) await killAll(victims);
      }
      expect(received).toHaveLength(100);
    } catch (error) {
      expect(error).toBeInstanceOf(BusError);
    }
    expect(received).toEqual(Array.from({ length: received.length }, (_, i) => i));
    await until(() => gateway.status() === 'ready' && (buses[0]?.status() ?? '') === 'ready', 'both are back');
  }
});

it('serves again after Redis was away, and nothing answered is run again', async () => {
  await openBus('storage');
  const registry = new MetricsRegistry();
  const gateway = await openBus('gateway', registry);
  const linkIs = async (state: 0 | 1): Promise<boolean> =>
    (await registry.render()).includes(`bus_link_state{service="gateway"} ${state}\n`);
  expect(await linkIs(1)).toBe(true);
  const calls = thousand(gateway, 0);
  await redis.stop('SIGKILL');
  const { answered, failed } = await calls;
  expect(answered + failed).toBe(1_000);
  await until(() => linkIs(0), 'the metric says that the link is lost');
  await redis.run(['--appendonly', 'yes', '--appendfsync', 'always']);
  await until(
    () =>
      gateway.call(ECHO, { number: 5_000 }, context).then(
        () => true,
        () => false,
      ),
    'calls are answered again',
  );
  expect(await linkIs(1)).toBe(true);
  expect(await thousand(gateway, 10_000)).toEqual({ answered: 1_000, failed: 0 });
  const { stream } = new StreamKeys().request('storage', 'fast');
  await until(async () => (await admin.xlen(stream)) === 0, 'all is settled');
  expect([...runs].filter(([number, count]) => number >= 10_000 && count !== 1)).toEqual([]);
});
