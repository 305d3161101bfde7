import { describe, expect, it } from 'vitest';
import { context, eventually, Gate, subject, type World } from './conformance-world.ts';
import { systemClock } from '../clock.ts';
import { BusOverflow } from '../errors.ts';

const STREAM_FRAMES = 64;
const SLOTS = 8;
const HANDLER_MS = 20;
/** Calls open at once: what handlers and stream hold, four times over. */
const CALLERS = 4 * (STREAM_FRAMES + SLOTS);
const ANSWERS = 800;
/** Refused callers ask again after this, in ms: sooner than they are told to, so that the load stays. */
const ASK_AGAIN_MS = 5;
const LARGE = 1024 * 1024 - 512;

/** What came of a load far above what its handlers can do. */
class Overload {
  answered = 0;
  refused = 0;
  ran = 0;
  busyMs = 0;
  readonly others: unknown[] = [];
  #over = false;
  readonly #callers: number;
  readonly #askAgainMs: number;

  constructor(callers = CALLERS, askAgainMs = ASK_AGAIN_MS) {
    this.#callers = callers;
    this.#askAgainMs = askAgainMs;
  }

  stop(): void {
    this.#over = true;
  }

  handler = async (payload: unknown): Promise<unknown> => {
    const since = performance.now();
    this.ran += 1;
    await new Promise<void>((resolve) => systemClock.after(HANDLER_MS, resolve));
    this.busyMs += performance.now() - since;
    return payload;
  };

  /** Asks, and asks again, from every caller until `answers` came. */
  async run(call: (n: number) => Promise<unknown>, answers: number): Promise<void> {
    let next = 0;
    const caller = async (): Promise<void> => {
      while (!this.#over) {
        next += 1;
        const n = next;
        try {
          expect(await call(n)).toBe(n);
          this.answered += 1;
        } catch (error) {
          if (error instanceof BusOverflow && (error.retryAfterMs ?? 0) > 0) this.refused += 1;
          else this.others.push(error);
          await new Promise((resolve) => setTimeout(resolve, this.#askAgainMs));
        }
        this.#over ||= this.answered >= answers;
      }
    };
    await Promise.all(Array.from({ length: this.#callers }, caller));
  }
}

export function overloadConformance(world: () => World): void {
  describe('overload', () => {
    it('refuses what is too much, holds no more than its bound, and keeps its handlers at work', async () => {
      world().medium({ streamFrames: STREAM_FRAMES });
      const load = new Overload();
      const server = await world().bus('b', { limits: { handlerConcurrency: SLOTS } });
      server.serve('b.slow', load.handler);
      await server.start();
      const client = await world().started('a', { limits: { inflightCalls: 2 * CALLERS } });
      let deepest = 0;
      let over = false;
      const watching = (async () => {
        while (!over) {
          const readings = await world().linkOf(server).readings();
          const requests = readings.filter(({ stream }) => stream === 'request');
          deepest = Math.max(deepest, ...requests.map(({ depthEntries }) => depthEntries));
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      const since = performance.now();
      await load.run((n) => client.call(subject('b.slow'), n, context({ ttlMs: 30_000 })), ANSWERS);
      const took = performance.now() - since;
      over = true;
      await watching;
      expect(load.others).toEqual([]);
      expect(deepest).toBeLessThanOrEqual(STREAM_FRAMES);
      // Nothing that was admitted is lost, nothing that was refused ran, and the counters say the same.
      expect(load.ran).toBe(load.answered);
      expect(load.refused).toBeGreaterThan(load.answered / 10);
      expect(await world().metric('bus_requests_total', 'result="ok"')).toBe(load.answered);
      expect(await world().metric('bus_requests_total', 'result="overflow"')).toBe(load.refused);
      expect(await world().metric('bus_overflow_total', 'gate="stream"')).toBe(load.refused);
      // Of the time the handlers had, a tenth at least went into answers: far below what it is, far above a collapse.
      expect(load.busyMs / (took * SLOTS)).toBeGreaterThan(0.1);
      await eventually(async () => (await world().metric('bus_running_handlers')) === 0, 'every handler is done');
    });

    it('takes no more while the first request nobody was given is older than one should wait', async () => {
      const callers = 1_500;
      const load = new Overload(callers, 100);
      const server = await world().bus('b', { limits: { handlerConcurrency: SLOTS } });
      server.serve('b.slow', load.handler);
      await server.start();
      const client = await world().started('a', { limits: { inflightCalls: 2 * callers } });
      const depth = async (): Promise<number> => {
        const readings = await world().linkOf(server).readings();
        return Math.max(
          0,
          ...readings.filter(({ stream }) => stream === 'request').map((r) => r.group?.depthFrames ?? 0),
        );
      };
      const running = load.run((n) => client.call(subject('b.slow'), n, context({ ttlMs: 60_000 })), Infinity);
      await eventually(async () => (await depth()) > callers / 2, 'everybody waits, for nobody waits too long yet');
      // 8 handlers of 20 ms do 400 a second at the most, 500 in the time to wait: far below the bound of the stream.
      await eventually(async () => load.refused > 0 && (await depth()) <= 700, 'the stream is short', 20_000);
      load.stop();
      await running;
      expect(load.others).toEqual([]);
      expect(await world().metric('bus_overflow_total', 'gate="stream"')).toBe(load.refused);
    });

    it('does not take what handlers hold for what waits: long polls refuse nobody', async () => {
      const polls = 400;
      const gate = new Gate();
      const server = await world().bus('b');
      server.serve('b.poll', (_payload, ctx) => ctx.parked(gate.opened));
      server.serve('b.quick', (payload) => payload);
      await server.start();
      const client = await world().started('a');
      const polling = Array.from({ length: polls }, () =>
        client.call(subject('b.poll'), 0, context({ ttlMs: 60_000 })),
      );
      const parked = async (): Promise<number> => world().metric('bus_parked_handlers', 'service="b-0"');
      await eventually(async () => (await parked()) === polls, 'every poll is parked');
      const begun = performance.now();
      let answered = 0;
      while (performance.now() - begun < 3_000) {
        expect(await client.call(subject('b.quick'), answered, context())).toBe(answered);
        answered += 1;
      }
      gate.open();
      await Promise.all(polling);
      expect(answered).toBeGreaterThan(0);
    });

    it('answers small calls while calls of 1 MiB wait for their handlers', async () => {
      const gate = new Gate();
      let waiting = 0;
      const server = await world().bus('b', { limits: { handlerConcurrency: SLOTS } });
      server.serve('b.large', async (payload) => {
        waiting += 1;
        await gate.opened;
        return payload;
      });
      server.serve('b.echo', (payload) => payload);
      await server.start();
      const client = await world().started('a');
      let large = 0;
      const blobs = Array.from({ length: 2 * SLOTS }, (_, n) =>
        client.call(subject('b.large'), Buffer.alloc(LARGE, n), context()).then(() => (large += 1)),
      );
      await eventually(() => waiting === SLOTS / 2, 'the large ones hold all they may');
      for (let n = 0; n < 200; n += 1) expect(await client.call(subject('b.echo'), n, context())).toBe(n);
      expect({ waiting, large }).toEqual({ waiting: SLOTS / 2, large: 0 });
      gate.open();
      await Promise.all(blobs);
    });
  });
}
