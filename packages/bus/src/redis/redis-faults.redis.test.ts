import { MetricsRegistry } from '@macronode/metrics';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bus } from '../bus.ts';
import { BusError, BusOutcomeUnknown, BusOverflow, BusUnavailable } from '../errors.ts';
import type { Consumer, ConsumeOptions, Delivery } from '../link.ts';
import { RedisProcess, SilentNetwork, until } from './redis-fixture.ts';
import { RedisLink } from './redis-link.ts';
import { DEFAULT_REDIS_TIMINGS, type RedisLinkEvent, type RedisLinkTimings } from './redis-options.ts';
import { StreamKeys } from './stream-keys.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (entry: Uint8Array): string => new TextDecoder().decode(entry);

const keys = new StreamKeys();
const REQUESTS = keys.request('storage', 'fast');

/** A service and its caller, each on a link of its own, over a Redis that only this test uses. */
class Pair {
  readonly events: RedisLinkEvent[] = [];
  readonly served: Delivery[] = [];
  readonly replies: string[] = [];
  readonly hints: number[] = [];
  readonly server: RedisLink;
  readonly caller: RedisLink;
  consumer: Consumer | undefined;

  constructor(url: string, timings: Partial<RedisLinkTimings> = {}) {
    const make = (name: string): RedisLink =>
      new RedisLink({ url, name, timings: { block: 500, ...timings }, onEvent: (event) => this.events.push(event) });
    this.server = make('storage');
    this.caller = make('gateway');
  }

  async start(): Promise<this> {
    await Promise.all([this.server.start(), this.caller.start()]);
    await this.caller.openInbox('caller', (entry) => this.replies.push(text(entry)));
    await this.caller.followHints('registry.head', (sequence) => this.hints.push(sequence));
    const early: Delivery[] = [];
    const options: ConsumeOptions = {
      credits: () => 1_000,
      onDelivery: (delivery) => {
        if (this.consumer === undefined) early.push(delivery);
        else this.#serve(this.consumer, delivery);
      },
    };
    const consumer = await this.server.consumeRequests('storage', 'fast', 'server', options);
    this.consumer = consumer;
    for (const delivery of early) this.#serve(consumer, delivery);
    return this;
  }

  get texts(): string[] {
    return this.served.map(({ entry }) => text(entry));
  }

  /** Sends until it is admitted: what a caller with time left does. */
  async send(message: string, withinMs = 10_000): Promise<void> {
    await until(
      async () => {
        try {
          await this.caller.appendRequest('storage', 'fast', bytes(message), 1);
          return true;
        } catch (error) {
          if (error instanceof BusError) return false;
          throw error;
        }
      },
      `${message} is admitted`,
      withinMs,
    );
  }

  /** Request, reply and hint all work. */
  async works(message: string): Promise<void> {
    await this.send(message);
    await until(() => this.texts.includes(message), `${message} is served`);
    await until(() => this.replies.includes(`re ${message}`), `${message} is answered`);
    const seen = this.hints.length;
    await this.server.publishHint('registry.head', bytes(message));
    await until(() => this.hints.length > seen, `the hint of ${message} arrives`);
  }

  async close(): Promise<void> {
    await Promise.all([this.server.close(), this.caller.close()]);
  }

  #serve(consumer: Consumer, delivery: Delivery): void {
    this.served.push(delivery);
    const reply = bytes(`re ${text(delivery.entry)}`);
    const answered = async (): Promise<boolean> => {
      try {
        return await this.server.appendInbox('caller', reply);
      } catch {
        return false;
      }
    };
    // Answers first, settles then: a crash between the two is a repeat, never a loss.
    void until(answered, 'the reply is taken').then(
      () => consumer.settle(delivery),
      () => undefined,
    );
  }
}

let redis: RedisProcess;
let admin: Redis;
let pair: Pair;

async function setUp(args: readonly string[] = [], timings: Partial<RedisLinkTimings> = {}): Promise<void> {
  redis = await RedisProcess.start(args);
  admin = new Redis(redis.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  admin.on('error', () => undefined);
  pair = await new Pair(redis.url, timings).start();
}

afterEach(async () => {
  await pair.close();
  admin.disconnect();
  await redis.dispose();
});

describe('a Redis that forgets', () => {
  beforeEach(() => setUp());

  it('is told everything again after FLUSHALL', async () => {
    await pair.works('before');
    await admin.flushall();
    await until(async () => (await admin.exists(REQUESTS.stream, keys.inbox('caller').stream)) === 2, 'all is remade');
    await pair.works('after');
    expect(pair.texts).toEqual(['before', 'after']);
  });

  it('serves what was admitted before its group was gone', async () => {
    await pair.works('before');
    await admin.xgroup('DESTROY', REQUESTS.stream, 'storage');
    await pair.works('after');
    expect(pair.texts).toEqual(['before', 'after']);
  });

  it('gets its stream back that was deleted while a reader blocked on it', async () => {
    for (let round = 0; round < 5; round++) {
      await admin.del(REQUESTS.stream);
      await pair.works(`round ${round}`);
    }
    expect(pair.texts).toEqual([0, 1, 2, 3, 4].map((round) => `round ${round}`));
  });

  it('is sent the scripts again that it forgot', async () => {
    await admin.script('FLUSH');
    await pair.works('after');
  });

  it('makes a deleted inbox anew, which is told', async () => {
    await admin.del(keys.inbox('caller').stream);
    await until(async () => (await admin.exists(keys.inbox('caller').stream)) === 1, 'the inbox is remade', 3_000);
    expect(pair.events.some(({ type }) => type === 'inbox_remade')).toBe(true);
    await pair.works('after');
  });
});

describe('a connection that is cut', () => {
  beforeEach(() => setUp());

  const clients = async (): Promise<{ id: string; name: string }[]> =>
    String(await admin.client('LIST'))
      .split('\n')
      .map((line) => ({ id: /\bid=(\d+)/.exec(line)?.[1] ?? '', name: /\bname=(\S*)/.exec(line)?.[1] ?? '' }))
      .filter(({ name }) => name.startsWith('bus:'));

  it('names each one', async () => {
    const roles = ['gateway:hints', 'gateway:inbox', 'gateway:writer', 'storage:request-fast', 'storage:writer'];
    const expected = roles.map((role) => `bus:${role}`).join();
    const names = async (): Promise<string[]> => (await clients()).map(({ name }) => name).sort();
    await until(async () => (await names()).join() === expected, 'all five are there');
  });

  it('counts what happened to it', async () => {
    const registry = new MetricsRegistry();
    const link = new RedisLink({ url: redis.url, name: 'counted', metrics: registry.scope({ service: 'counted' }) });
    await link.start();
    await link.openInbox('counted', () => undefined);
    const victim = (await clients()).find(({ name }) => name === 'bus:counted:inbox');
    await admin.client('KILL', 'ID', victim?.id ?? '');
    const restarts = 'bus_loop_restarts_total{service="counted",fault="connection"} 1';
    await until(async () => (await registry.render()).includes(restarts), 'the restart of the loop is counted');
    await link.close();
  });

  it('comes back whichever it is, and nothing admitted is lost or served twice', async () => {
    let sent = 0;
    await until(async () => (await clients()).length === 5, 'all five are there');
    const names = (await clients()).map(({ name }) => name);
    for (let round = 0; round < 4; round++) {
      for (const name of names) {
        const victim = (await clients()).find((client) => client.name === name);
        const burst = Array.from({ length: 20 }, () =>
          pair.caller.appendRequest('storage', 'fast', bytes(`${name} ${sent++}`), 1).then(
            () => 'admitted' as const,
            (error: unknown) => error,
          ),
        );
        if (victim !== undefined) await admin.client('KILL', 'ID', victim.id);
        for (const outcome of await Promise.all(burst)) {
          expect(
            outcome === 'admitted' || outcome instanceof BusOutcomeUnknown || outcome instanceof BusUnavailable,
          ).toBe(true);
        }
        await pair.works(`after ${name} ${round}`);
      }
    }
    await until(async () => (await admin.xlen(REQUESTS.stream)) === 0, 'everything is settled', 20_000);
    expect(new Set(pair.texts).size).toBe(pair.texts.length);
  });
});

describe('a Redis that stops', () => {
  it('is refused fast while it is away, and loses and repeats nothing when it comes back with its data', async () => {
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
    await setUp(durable);
    await pair.works('before');
    const admitted: string[] = [];
    const send = async (message: string): Promise<void> => {
      await pair.caller.appendRequest('storage', 'fast', bytes(message), 1);
      admitted.push(message);
    };
    const stream = Array.from({ length: 300 }, (_, i) => send(`request ${i}`).catch((error: unknown) => error));
    await redis.stop('SIGKILL');
    const outcomes = await Promise.all(stream);
    expect(outcomes.every((outcome) => outcome === undefined || outcome instanceof BusError)).toBe(true);
    await until(() => pair.caller.status() === 'reconnecting', 'the loss is seen');

    const before = performance.now();
    await expect(send('away')).rejects.toBeInstanceOf(BusUnavailable);
    await expect(pair.caller.appendInbox('caller', bytes('away'))).rejects.toBeInstanceOf(BusUnavailable);
    // At once, and not after the time a command may take.
    expect(performance.now() - before).toBeLessThan(DEFAULT_REDIS_TIMINGS.command);
    expect(await pair.caller.readings()).toEqual([]);

    await redis.run(durable);
    await until(() => pair.caller.status() === 'ready' && pair.server.status() === 'ready', 'both are back');
    await pair.works('after');
    await until(async () => (await admin.xlen(REQUESTS.stream)) === 0, 'everything is settled');
    expect(admitted.filter((message) => !pair.texts.includes(message))).toEqual([]);
    expect(new Set(pair.texts).size).toBe(pair.texts.length);
    expect(await admin.hmget(REQUESTS.counters, 'frames', 'bytes')).toEqual(['0', '0']);
  });

  it('is found again although it came back empty', async () => {
    await setUp();
    await pair.works('before');
    await redis.stop('SIGKILL');
    await redis.run();
    const since = performance.now();
    await pair.works('after');
    expect(performance.now() - since).toBeLessThan(8_000);
  });

  it('is waited for at the start, but not for ever', async () => {
    await setUp();
    await redis.stop();
    const late = new RedisLink({ url: redis.url, name: 'late', timings: { start: 200 } });
    await expect(late.start()).rejects.toBeInstanceOf(BusUnavailable);
    expect(late.status()).toBe('closed');
    const patient = new RedisLink({ url: redis.url, name: 'patient' });
    const started = patient.start();
    await redis.run();
    await started;
    expect(patient.status()).toBe('ready');
    await patient.close();
  });
});

describe('a Redis that hangs', () => {
  it('is noticed by our own clock, and works when it wakes', async () => {
    await setUp(['--enable-debug-command', 'yes'], { watchdogGrace: 300, command: 500 });
    await pair.works('before');
    const asleep = admin.call('debug', 'sleep', '3');
    await expect(pair.caller.appendRequest('storage', 'fast', bytes('asleep'), 1)).rejects.toBeInstanceOf(BusError);
    await until(() => pair.events.some(({ type }) => type === 'watchdog_fired'), 'the watchdog fires');
    await asleep;
    await pair.works('after');
  });
});

describe('a network that swallows everything', () => {
  it('is given up by our own clock, however often it answers a connect, and works when it speaks again', async () => {
    await setUp();
    await pair.close();
    const network = await SilentNetwork.to(redis.url);
    const timings = { block: 300, watchdogGrace: 200, command: 300, heartbeat: 200, stuckConnection: 400 };
    const cut = await new Pair(network.url, timings).start();
    try {
      await cut.works('before');
      network.fallSilent();
      const asked = cut.caller.appendRequest('storage', 'fast', bytes('swallowed'), 1);
      await expect(asked).rejects.toBeInstanceOf(BusOutcomeUnknown);
      const told = (type: RedisLinkEvent['type']): number => cut.events.filter((event) => event.type === type).length;
      await until(() => told('watchdog_fired') >= 4, 'readers and writers are given up');
      await until(() => told('connection_replaced') >= 4, 'handshakes that never end are given up too');
      expect(cut.caller.status()).toBe('reconnecting');
      network.speak();
      await until(() => cut.caller.status() === 'ready' && cut.server.status() === 'ready', 'both are back');
      await cut.works('after');
      expect(cut.texts.filter((message) => message === 'before')).toHaveLength(1);
    } finally {
      await cut.close();
      await network.close();
    }
  });

  it('does not keep a link from failing to start, nor from closing', async () => {
    await setUp();
    const network = await SilentNetwork.to(redis.url);
    network.fallSilent();
    const link = new RedisLink({ url: network.url, name: 'deaf', timings: { start: 300 } });
    await expect(link.start()).rejects.toBeInstanceOf(BusUnavailable);
    await network.close();
  });
});

describe('a Redis without memory', () => {
  it('refuses as overflow, and still lets what it holds be settled', async () => {
    await setUp();
    await pair.works('before');
    await admin.config('SET', 'maxmemory', '1');
    const refusal = await pair.caller.appendRequest('storage', 'fast', bytes('over'), 1).catch((e: unknown) => e);
    expect(refusal).toBeInstanceOf(BusOverflow);
    await admin.config('SET', 'maxmemory', '0');
    await pair.works('after');
  });
});

describe('a Redis set up to lose entries', () => {
  it('is told about', async () => {
    await setUp(['--maxmemory-policy', 'allkeys-lru']);
    expect(pair.events.filter(({ type }) => type === 'misconfigured')).toHaveLength(2);
  });
});

describe('a Redis that asks for a password', () => {
  it('is given the one of the URL, and a wrong one is named as the cause', async () => {
    await setUp();
    await admin.config('SET', 'requirepass', 'secret');
    const [right, wrong] = ['secret', 'guess'].map(
      (password) =>
        new RedisLink({
          url: redis.url.replace('redis://', `redis://:${password}@`),
          name: 'asked',
          timings: { start: 500 },
        }),
    );
    await right?.start();
    expect(right?.status()).toBe('ready');
    await right?.close();
    await expect(wrong?.start()).rejects.toThrow(/WRONGPASS/);
  });
});

/** A quiet service may ask Redis this often (commands a minute, those inside scripts counted too). */
const QUIET_COMMANDS_PER_MINUTE = 150;
/** The test lives faster than production: every time of the link is divided by it. */
const FASTER = 10;

describe('a quiet service', () => {
  it('with a served service, an inbox, hints and work asks Redis for next to nothing', async () => {
    await setUp();
    await pair.close();
    const scaled = Object.entries(DEFAULT_REDIS_TIMINGS).map(([name, ms]) => [name, ms / FASTER]);
    const faster = Object.fromEntries(scaled) as unknown as RedisLinkTimings;
    const timings = { ...faster, idleAfter: 0, command: 2_000, connect: 5_000, start: 5_000, watchdogGrace: 2_000 };
    const link = new RedisLink({ url: redis.url, name: 'quiet', timings });
    const bus = new Bus({ service: 'quiet', link, metrics: new MetricsRegistry().scope({ service: 'quiet' }) });
    bus.serve('quiet.echo', (payload) => payload);
    await bus.onWork('object.stored', 'quiet', () => undefined);
    await bus.onHint(
      'registry.head',
      () => undefined,
      () => undefined,
    );
    await bus.start();
    const quiet = 60_000 / FASTER;
    const asked = async (): Promise<Map<string, number>> => {
      const lines = (await admin.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm);
      return new Map([...lines].map(([, name = '', calls]) => [name, Number(calls)]));
    };
    await until(() => bus.status() === 'ready', 'it serves');
    const before = await asked();
    const since = performance.now();
    await until(() => performance.now() - since > quiet, 'a quiet minute, lived faster', quiet + 5_000);
    const after = await asked();
    const perMinute = quiet / (performance.now() - since);
    const made = [...after].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)] as const);
    // The observer's own question is not the service's.
    const total = made.reduce((sum, [name, calls]) => sum + (name === 'info' ? 0 : calls), 0) * perMinute;
    expect(total, JSON.stringify(made.filter(([, calls]) => calls > 0))).toBeLessThan(QUIET_COMMANDS_PER_MINUTE);
    await bus.close();
    await link.close();
  }, 30_000);
});
