import { describe, expect, it } from 'vitest';
import type { Bus } from '../bus.ts';
import {
  BusClosed,
  BusDeadline,
  type BusError,
  BusNoResponders,
  BusOverflow,
  BusPayloadTooLarge,
  BusUnavailable,
  type OverflowGate,
} from '../errors.ts';
import { context, eventually, Gate, rejection, subject, type World } from './conformance-world.ts';

const MIB = 1024 * 1024;

/** How one refusal is provoked: the last call of `provoke` is the one refused, after `calls` in all were made. */
interface Case {
  readonly name: string;
  readonly type: new (...args: never[]) => BusError;
  readonly code: string;
  readonly result: string;
  readonly gate?: OverflowGate;
  readonly calls: number;
  provoke(world: World): Promise<unknown>;
}

/** A server whose handler waits at a gate, and which is told how many wait. */
async function waiting(world: World, limits: object = {}): Promise<{ server: Bus; gate: Gate; running: () => number }> {
  const gate = new Gate();
  let running = 0;
  const server = await world.bus('b', { limits });
  server.serve('b.wait', async () => {
    running += 1;
    await gate.opened;
  });
  await server.start();
  return { server, gate, running: () => running };
}

const wait = subject('b.wait');
const overflow = { type: BusOverflow, code: 'busy', result: 'overflow' } as const;
const deadline = { type: BusDeadline, code: 'deadline', result: 'deadline', calls: 1 } as const;
const tooLarge = { type: BusPayloadTooLarge, code: 'too_large', result: 'too_large', calls: 1 } as const;

/** Refuses one call while another is in flight, then lets that one end. */
async function beside(world: World, limits: object, payload: unknown): Promise<unknown> {
  const { gate, running } = await waiting(world);
  const client = await world.started('a', { limits });
  const first = client.call(wait, payload, context());
  await eventually(() => running() === 1, 'the first is in flight');
  const error = await rejection(client.call(wait, payload, context()));
  gate.open();
  await first;
  return error;
}

/** Frames the request streams of a server hold. */
async function heldBy(world: World, server: Bus): Promise<number> {
  const readings = await world.linkOf(server).readings();
  return readings
    .filter(({ stream }) => stream === 'request')
    .reduce((sum, { group }) => sum + (group?.depthFrames ?? 0), 0);
}

/** Fills the stream of a service that reads nothing more, until a call is refused. */
async function fullStream(world: World, payload: unknown): Promise<unknown> {
  const { server, gate, running } = await waiting(world, { handlerConcurrency: 1 });
  const client = await world.started('a');
  const calls = [client.call(wait, 0, context())];
  await eventually(() => running() === 1, 'the only slot is taken');
  // One entry is read ahead at most; the stream holds 2.
  for (let n = 0; n < 2; n += 1) {
    calls.push(client.call(wait, payload, context()));
    // Each an entry of its own: what travels together is refused together.
    await eventually(async () => (await heldBy(world, server)) === n + 2, 'it is admitted');
  }
  const refused = rejection(client.call(wait, payload, context()));
  const error = await refused;
  gate.open();
  await Promise.all(calls);
  return error;
}

const CASES: readonly Case[] = [
  {
    name: 'too many calls of a client',
    ...overflow,
    gate: 'client',
    calls: 2,
    provoke: (world) => beside(world, { inflightCalls: 1 }, 1),
  },
  {
    name: 'too many bytes of a client',
    ...overflow,
    gate: 'client_bytes',
    calls: 2,
    provoke: (world) => beside(world, { inflightBytes: 1_000 }, Buffer.alloc(700)),
  },
  {
    name: 'a full stream',
    ...overflow,
    gate: 'stream',
    calls: 4,
    provoke: (world) => {
      world.medium({ streamFrames: 3 });
      return fullStream(world, 1);
    },
  },
  {
    name: 'no window left for a stream',
    ...overflow,
    gate: 'credit',
    calls: 1,
    provoke: async (world) => {
      const client = await world.started('a', { limits: { processCredit: 1_000 } });
      return rejection(client.read(wait, 1, context()));
    },
  },
  {
    name: 'an upload to an instance without room',
    ...overflow,
    gate: 'handler',
    calls: 2,
    provoke: async (world) => {
      const { server, gate, running } = await waiting(world, { handlerConcurrency: 1, handlerQueue: 0 });
      const client = await world.started('a');
      const first = client.call(wait, 1, context());
      await eventually(() => running() === 1, 'the only slot is taken');
      const source = (async function* () {
        yield Buffer.from('x');
      })();
      const ticket = { inbox: server.instance, credit: 1_000 };
      const error = await rejection(client.write(ticket, wait, 1, source, context()));
      gate.open();
      await first;
      return error;
    },
  },
  {
    name: 'a deadline that passed before the call',
    ...deadline,
    provoke: async (world) => rejection((await world.started('a')).call(wait, 1, context({ ttlMs: 0 }))),
  },
  {
    name: 'a deadline that passes in the handler',
    ...deadline,
    provoke: async (world) => {
      await waiting(world);
      return rejection((await world.started('a')).call(wait, 1, context({ ttlMs: 80 })));
    },
  },
  {
    name: 'nobody there',
    type: BusNoResponders,
    code: 'no_responders',
    result: 'no_responders',
    calls: 1,
    provoke: async (world) => rejection((await world.started('a')).call(wait, 1, context())),
  },
  {
    name: 'a subject without a handler',
    type: BusNoResponders,
    code: 'no_responders',
    result: 'no_responders',
    calls: 1,
    provoke: async (world) => {
      await waiting(world);
      return rejection((await world.started('a')).call(subject('b.other'), 1, context()));
    },
  },
  {
    name: 'a payload over the limit',
    ...tooLarge,
    provoke: async (world) => rejection((await world.started('a')).call(wait, Buffer.alloc(MIB), context())),
  },
  {
    name: 'headers over the limit',
    ...tooLarge,
    provoke: async (world) =>
      rejection((await world.started('a')).call(wait, 1, context({ principal: 'p'.repeat(513) }))),
  },
  {
    name: 'metadata over the limit',
    ...tooLarge,
    provoke: async (world) =>
      rejection((await world.started('a')).call(wait, 1, context({ metadata: { key: 'v'.repeat(2_100) } }))),
  },
  {
    name: 'a reply over the limit',
    ...tooLarge,
    provoke: async (world) => {
      const server = await world.bus('b');
      server.serve('b.wait', () => Buffer.alloc(MIB));
      await server.start();
      return rejection((await world.started('a')).call(wait, 1, context()));
    },
  },
  {
    name: 'a bus that was not started',
    type: BusUnavailable,
    code: 'unavailable',
    result: 'unavailable',
    calls: 1,
    provoke: async (world) => rejection((await world.bus('a')).call(wait, 1, context())),
  },
  {
    name: 'a link that is closed',
    type: BusUnavailable,
    code: 'unavailable',
    result: 'unavailable',
    calls: 1,
    provoke: async (world) => {
      const client = await world.started('a');
      await world.linkOf(client).close();
      return rejection(client.call(wait, 1, context()));
    },
  },
  {
    name: 'a bus that is closed',
    type: BusClosed,
    code: 'unavailable',
    result: 'closed',
    calls: 1,
    provoke: async (world) => {
      const client = await world.started('a');
      await client.close();
      return rejection(client.call(wait, 1, context()));
    },
  },
];

export function refusalConformance(world: () => World): void {
  describe('refusals are typed and counted', () => {
    it.each(CASES)('$name', async ({ type, code, result, gate, calls, provoke }) => {
      const error = await provoke(world());
      expect(error).toBeInstanceOf(type);
      const fits = type === BusPayloadTooLarge;
      expect(error).toMatchObject({ name: type.name, code, retryable: !fits, ...(gate === undefined ? {} : { gate }) });
      const { retryAfterMs } = error as BusError;
      if (fits) expect(retryAfterMs).toBe(0);
      else expect(retryAfterMs).toBeGreaterThan(0);
      expect(await world().metric('bus_requests_total', `result="${result}"`)).toBe(1);
      // Every call made is one result, and a refusal moves its gate once, on the side that refused.
      expect(await world().metric('bus_requests_total')).toBe(calls);
      expect(await world().metric('bus_requests_total', 'result="ok"')).toBe(calls - 1);
      expect(await world().metric('bus_overflow_total')).toBe(gate === undefined ? 0 : 1);
      if (gate !== undefined) expect(await world().metric('bus_overflow_total', `gate="${gate}"`)).toBe(1);
    });
  });
}
