import { MetricsRegistry } from '@macronode/metrics';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bus } from '../bus.ts';
import { context, subject, topic } from '../conformance/conformance-world.ts';
import { BusError, BusUnavailable } from '../errors.ts';
import { RedisCluster } from './redis-cluster-fixture.ts';
import { freePort, RedisProcess, until } from './redis-fixture.ts';
import { RedisLink } from './redis-link.ts';
import type { RedisLinkEvent, RedisLinkOptions } from './redis-options.ts';
import { RedisPlacement } from './redis-placement.ts';
import { SentinelGroup } from './redis-sentinel-fixture.ts';
import { slotOf } from './redis-slots.ts';
import { TestAuthority } from './redis-tls-fixture.ts';
import { shardTag } from './stream-keys.ts';

const echo = subject('storage.echo', { idempotent: true, deadlineMs: 5_000 });
const stored = topic('object.stored');
const closing: (() => Promise<unknown> | undefined)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function openLink(options: Partial<RedisLinkOptions> & Pick<RedisLinkOptions, 'url'>): RedisLink {
  const link = new RedisLink({ name: 'topology', ...options });
  closing.push(() => link.close());
  return link;
}

async function openBus(service: string, link: RedisLink): Promise<Bus> {
  const bus = new Bus({ service, link, metrics: new MetricsRegistry().scope({ service }) });
  closing.push(() => bus.close());
  await bus.start();
  return bus;
}

/** A caller, a server and a worker under load, with an account of every call and every event. */
class Load {
  readonly answered: number[] = [];
  readonly refused: unknown[] = [];
  readonly admitted: number[] = [];
  readonly handled = new Set<number>();
  readonly events: RedisLinkEvent[] = [];
  readonly #url: string;
  #caller: Bus | undefined;
  #number = 0;
  #stopped = false;
  #workers: Promise<unknown>[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  async start(): Promise<void> {
    const onEvent = (event: RedisLinkEvent): number => this.events.push(event);
    const timings = { block: 500, reclaimMinIdle: 2_000, reclaimEvery: 300, reclaimIdleEvery: 300 };
    const open = (name: string): RedisLink => openLink({ url: this.#url, name, timings, onEvent });
    const server = await openBus('storage', open('storage'));
    server.serve(echo.name, (payload) => payload);
    await server.start();
    await server.onWork(stored.name, 'index', (event) => void this.handled.add(event as number));
    this.#caller = await openBus('gateway', open('gateway'));
    this.#workers = Array.from({ length: 8 }, () => this.#work());
  }

  /** Waits until this many more calls were answered. */
  async answers(count: number, what: string): Promise<void> {
    const wanted = this.answered.length + count;
    await until(() => this.answered.length >= wanted, what, 20_000);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#workers);
    await until(() => this.admitted.every((n) => this.handled.has(n)), 'all admitted work is handled', 20_000);
  }

  async #work(): Promise<void> {
    while (!this.#stopped) {
      const n = this.#number++;
      try {
        const reply = await this.#caller?.call(echo, n, context());
        expect(reply).toBe(n);
        this.answered.push(n);
        await this.#caller?.publishWork(stored, n, context());
        this.admitted.push(n);
      } catch (error) {
        this.refused.push(error);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

/** Every call ended: answered, or refused with an error of the bus. */
function expectTyped(load: Load): void {
  expect(load.refused.filter((error) => !(error instanceof BusError))).toEqual([]);
}

describe('a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  }, 60_000);
  afterAll(() => cluster.dispose());

  it('spreads its shards over the nodes, and opens those it uses', async () => {
    const link = openLink({ url: cluster.url });
    await link.start();
    for (let n = 0; n < 40; n++) await link.publishHint(`topic-${n}`, new Uint8Array(1));
    const sizes = await Promise.all(cluster.admins.map((admin) => admin.dbsize()));
    expect(sizes.every((size) => size > 0)).toBe(true);
    expect(link.status()).toBe('ready');
  });

  it('moves the slot of a shard under load: every call ends typed, and no admitted work is lost', async () => {
    const load = new Load(cluster.url);
    await load.start();
    await load.answers(100, 'calls before');
    const placement = new RedisPlacement(8);
    for (const name of ['storage', stored.name]) {
      const slot = slotOf(shardTag(placement.shardOf(name)));
      const owner = await cluster.ownerOf(slot);
      for (const to of [(owner + 1) % 3, (owner + 2) % 3]) {
        await cluster.moveSlot(slot, to);
        await load.answers(100, `calls after ${name} moved to node ${to}`);
      }
    }
    await load.stop();
    expectTyped(load);
    expect(load.events.some(({ type }) => type === 'moved')).toBe(true);
    expect(load.refused.length).toBeLessThan(load.answered.length / 10);
  }, 60_000);
});

describe('Sentinel', () => {
  let group: SentinelGroup;
  beforeAll(async () => {
    group = await SentinelGroup.start();
  }, 60_000);
  afterAll(() => group.dispose());

  it('that knows no such primary is named as the cause', async () => {
    const link = openLink({ url: group.url.replace('/mymaster', '/other'), timings: { start: 1_000 } });
    await expect(link.start()).rejects.toThrow(/Sentinel knows no primary named other/);
  });

  it('changes the primary under load, planned and by a crash: the link follows, and every call ends typed', async () => {
    const load = new Load(group.url);
    await load.start();
    await load.answers(100, 'calls before');
    await group.failOver();
    await load.answers(100, 'calls after the planned change');
    const old = await group.primary();
    await old?.stop('SIGKILL');
    await until(async () => (await group.primary()) !== old, 'the replica is the primary', 20_000);
    await load.answers(100, 'calls after the crash');
    // What was admitted in the last moment of a primary may be lost with it: only the calls are accounted for.
    await load.stop().catch(() => undefined);
    expectTyped(load);
  }, 90_000);
});

describe('TLS', () => {
  it('asks for the authority that was given, shows the certificate of this client, and refuses others', async () => {
    const authority = await TestAuthority.make();
    const port = await freePort();
    const files = ['--tls-ca-cert-file', authority.path('ca.pem'), '--tls-cert-file', authority.path('server.pem')];
    const key = ['--tls-key-file', authority.path('server.key')];
    const redis = await RedisProcess.start(['--tls-port', String(port), ...files, ...key]);
    closing.push(
      () => redis.dispose(),
      () => authority.dispose(),
    );
    const url = `rediss://127.0.0.1:${port}`;
    const ca = await authority.read('ca.pem');
    const tls = { ca, cert: await authority.read('client.pem'), key: await authority.read('client.key') };
    const timings = { start: 4_000 };

    const link = openLink({ url, tls });
    const bus = await openBus('storage', link);
    bus.serve(echo.name, (payload) => payload);
    await bus.start();
    expect(await bus.call(echo, 'over TLS', context())).toBe('over TLS');

    const foreign = { ...tls, servername: 'other.test' };
    await Promise.all([
      expect(openLink({ url, timings }).start()).rejects.toThrow(/self-signed certificate/),
      expect(openLink({ url, tls: { ca }, timings }).start()).rejects.toBeInstanceOf(BusUnavailable),
      expect(openLink({ url, tls: foreign, timings }).start()).rejects.toThrow(/does not match/),
    ]);
    await openLink({ url, tls: { ...tls, servername: 'redis.test' } }).start();
  });

  it('is whole or not at all', () => {
    expect(() => openLink({ url: 'redis://redis', tls: { ca: 'pem' } })).toThrow(/rediss:\/\//);
    expect(() => openLink({ url: 'rediss://redis', tls: { cert: 'pem' } })).toThrow(/without its key/);
    expect(() => openLink({ url: 'rediss://redis', tls: { key: 'pem' } })).toThrow(/without its certificate/);
  });
});
