import { describe, expect, it } from 'vitest';
import type { BusContext } from '../bus-context.ts';
import { context, eventually, Gate, rejection, subject, type World } from './conformance-world.ts';
import {
  BusClosed,
  BusDeadline,
  BusNoResponders,
  BusOverflow,
  BusPayloadTooLarge,
  BusUnavailable,
  RemoteError,
} from '../errors.ts';

const echo = subject('b.echo');

export function callConformance(world: () => World): void {
  describe('calls', () => {
    it('brings every payload back as it was sent', async () => {
      const server = await world().bus('b');
      server.serve('b.echo', (payload) => payload);
      await server.start();
      const client = await world().started('a');
      const values: unknown[] = [undefined, null, '', 0, false, [], {}, { deep: [{ a: 1 }] }, 'ü'.repeat(1_000)];
      for (const value of values) expect(await client.call(echo, value, context())).toEqual(value);
      for (const size of [0, 1, 65_536, 512 * 1024]) {
        const sent = Buffer.alloc(size, 7);
        const back = await client.call(echo, sent, context());
        expect(Buffer.compare(back as Buffer, sent), `${size} bytes`).toBe(0);
      }
      expect(await rejection(client.call(echo, Buffer.alloc(1024 * 1024), context()))).toBeInstanceOf(
        BusPayloadTooLarge,
      );
    });

    it('matches each of 10,000 answers to its call, once', async () => {
      const server = await world().bus('b');
      const seen = new Map<number, number>();
      server.serve('b.echo', (payload) => {
        seen.set(payload as number, (seen.get(payload as number) ?? 0) + 1);
        return (payload as number) * 2;
      });
      await server.start();
      const client = await world().started('a');
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < 10_000) {
          const number = next;
          next += 1;
          expect(await client.call(echo, number, context())).toBe(number * 2);
        }
      };
      await Promise.all(Array.from({ length: 1_000 }, worker));
      expect(seen.size).toBe(10_000);
      expect(Math.max(...seen.values())).toBe(1);
      expect(await world().metric('bus_requests_total', 'result="ok"')).toBe(10_000);
    });

    it('carries domain errors as they are and hides all others', async () => {
      const server = await world().bus('b');
      const domain = { code: 'stale_seq', message: 'too old', retryable: false, reason: 'seq', details: { have: 3 } };
      server.serve('b.domain', () => {
        throw Object.assign(new Error('too old'), domain, { stack: 'secret' });
      });
      server.serve('b.defect', () => Promise.reject(new Error('secret password')));
      await server.start();
      const client = await world().started('a');
      const error = await rejection(client.call(subject('b.domain'), 1, context()));
      expect(error).toBeInstanceOf(RemoteError);
      expect(error).toMatchObject(domain);
      const hidden = await rejection(client.call(subject('b.defect'), 1, context()));
      expect(hidden).toMatchObject({ name: 'RemoteError', code: 'internal', retryable: false });
      expect(JSON.stringify(hidden) + String(hidden)).not.toContain('secret');
    });

    it('answers within the deadline or not at all, and does not run what has expired', async () => {
      const gate = new Gate();
      const ran: unknown[] = [];
      const server = await world().bus('b', { limits: { handlerConcurrency: 1 } });
      server.serve('b.slow', async (payload) => {
        ran.push(payload);
        await gate.opened;
      });
      await server.start();
      const client = await world().started('a');
      const begun = performance.now();
      const first = rejection(client.call(subject('b.slow'), 'in the handler', context({ ttlMs: 150 })));
      await eventually(() => ran.length === 1, 'the first call runs');
      const second = rejection(client.call(subject('b.slow'), 'in the stream', context({ ttlMs: 100 })));
      const third = rejection(client.call(subject('b.slow'), 'before it began', context({ ttlMs: 0 })));
      for (const error of await Promise.all([first, second, third])) expect(error).toBeInstanceOf(BusDeadline);
      // The server reckons from the age of the entry, which two clocks may see some milliseconds apart.
      await eventually(() => performance.now() - begun > 400, 'the deadlines are past for the server too');
      gate.open();
      await client.call(subject('b.slow'), 'alive', context());
      expect(ran).toEqual(['in the handler', 'alive']);
      expect(await world().metric('bus_expired_total', 'where="server"')).toBe(1);
      expect(await world().metric('bus_expired_total', 'where="handler"')).toBe(1);
    });

    it("aborts the handler's signal at the deadline, and gives nested calls what is left of it", async () => {
      const left: number[] = [];
      const server = await world().bus('b');
      let aborted = false;
      server.serve('b.outer', async (_payload, ctx) => {
        await ctx.call(subject('b.inner'), 1);
        ctx.signal.addEventListener('abort', () => {
          aborted = true;
        });
        await new Promise(() => undefined);
      });
      server.serve('b.inner', (_payload, ctx) => void left.push(ctx.remainingMs()));
      await server.start();
      const client = await world().started('a');
      await rejection(client.call(subject('b.outer'), 1, context({ ttlMs: 600 })));
      await eventually(() => aborted, 'the signal aborts');
      expect(left[0]).toBeGreaterThan(0);
      expect(left[0]).toBeLessThanOrEqual(600);
    });

    it('ends a call whose caller aborts, with its reason', async () => {
      const server = await world().bus('b');
      server.serve('b.never', () => new Promise(() => undefined));
      await server.start();
      const client = await world().started('a');
      const controller = new AbortController();
      const call = rejection(client.call(subject('b.never'), 1, context({ signal: controller.signal })));
      controller.abort(new Error('changed my mind'));
      expect(await call).toMatchObject({ message: 'changed my mind' });
      const late = client.call(subject('b.never'), 1, context({ signal: controller.signal }));
      expect(await rejection(late)).toMatchObject({ message: 'changed my mind' });
    });

    it('refuses at once when too many calls, or too many bytes, are in flight', async () => {
      const gate = new Gate();
      const server = await world().bus('b');
      server.serve('b.wait', () => gate.opened);
      await server.start();
      const client = await world().started('a', { limits: { inflightCalls: 4, inflightBytes: 100_000 } });
      const calls = [1, 2, 3, 4].map((n) => client.call(subject('b.wait'), n, context()));
      const before = performance.now();
      expect(await rejection(client.call(subject('b.wait'), 5, context()))).toMatchObject({
        name: 'BusOverflow',
        gate: 'client',
      });
      // Far below the deadline: a busy machine must not decide this.
      expect(performance.now() - before).toBeLessThan(500);
      gate.open();
      await Promise.all(calls);
      const big = client.call(subject('b.wait'), Buffer.alloc(90_000), context());
      const error = await rejection(client.call(subject('b.wait'), Buffer.alloc(90_000), context()));
      expect(error).toMatchObject({ gate: 'client_bytes' });
      expect((error as BusOverflow).retryAfterMs).toBeGreaterThan(0);
      await big;
      expect(await world().metric('bus_overflow_total', 'gate="client')).toBe(2);
    });

    it('refuses at the bound of the stream, drops nothing, and answers all it accepted', async () => {
      world().medium({ streamFrames: 16 });
      const gate = new Gate();
      const server = await world().bus('b', { limits: { handlerConcurrency: 1 } });
      server.serve('b.wait', async (payload) => {
        await gate.opened;
        return payload;
      });
      await server.start();
      const client = await world().started('a');
      const answers: Promise<unknown>[] = [];
      for (let n = 0; n < 64; n += 1) {
        answers.push(client.call(subject('b.wait'), n, context()).catch((error: unknown) => error));
        // One turn each, so that each call is an entry of its own.
        await new Promise((resolve) => setImmediate(resolve));
      }
      await eventually(async () => (await world().metric('bus_overflow_total', 'gate="stream"')) > 0, 'some refused');
      gate.open();
      const settled = await Promise.all(answers);
      const refused = settled.filter((each) => each instanceof BusOverflow);
      expect(refused.length).toBeGreaterThan(0);
      for (const { retryAfterMs } of refused) {
        expect(retryAfterMs).toBeGreaterThanOrEqual(50);
        expect(retryAfterMs).toBeLessThanOrEqual(5_000);
      }
      settled.forEach((each, n) => {
        if (!(each instanceof BusOverflow)) expect(each).toBe(n);
      });
    });

    it('says at once that nobody is there, and recovers when somebody joins', async () => {
      const client = await world().started('a');
      expect(await rejection(client.call(echo, 1, context()))).toBeInstanceOf(BusNoResponders);
      const before = performance.now();
      expect(await rejection(client.call(echo, 1, context()))).toBeInstanceOf(BusNoResponders);
      // Far below the deadline: a busy machine must not decide this.
      expect(performance.now() - before).toBeLessThan(500);
      const server = await world().started('b');
      server.serve('b.echo', (payload) => payload);
      await server.start();
      expect(await client.call(echo, 1, context())).toBe(1);
      expect(await rejection(client.call(subject('b.unknown'), 1, context()))).toBeInstanceOf(BusNoResponders);
    });

    it('shares work between two consumers, also one burst', async () => {
      const counts = [0, 0];
      for (const i of [0, 1]) {
        const server = await world().bus('b');
        server.serve('b.echo', async () => {
          counts[i] = (counts[i] ?? 0) + 1;
          await new Promise((resolve) => setImmediate(resolve));
        });
        await server.start();
      }
      const client = await world().started('a');
      // The first call teaches the writer how many consumers live.
      await client.call(echo, 0, context());
      const before = [...counts];
      await Promise.all(Array.from({ length: 64 }, () => client.call(echo, 1, context())));
      const burst = counts.map((count, i) => count - (before[i] ?? 0));
      expect(Math.min(...burst), `a burst split into ${burst.join(' and ')}`).toBeGreaterThan(0);
      for (let round = 0; round < 100; round += 1) {
        await Promise.all(Array.from({ length: 20 }, () => client.call(echo, 1, context())));
      }
      const share = Math.min(...counts) / counts.reduce((sum, count) => sum + count);
      expect(share, counts.join(' and ')).toBeGreaterThan(0.3);
    });

    it('runs the requests of one caller in order when one handler runs at a time', async () => {
      const seen: unknown[] = [];
      const server = await world().bus('b', { limits: { handlerConcurrency: 1 } });
      server.serve('b.echo', async (payload) => {
        seen.push(payload);
        await new Promise((resolve) => setImmediate(resolve));
      });
      await server.start();
      const client = await world().started('a');
      await Promise.all(Array.from({ length: 200 }, (_, n) => client.call(echo, n, context())));
      expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => n));
    });

    it('lets long waits leave their handler slot to others', async () => {
      const gate = new Gate();
      const server = await world().bus('b', { limits: { handlerConcurrency: 2 } });
      server.serve('b.poll', (_payload, ctx) => ctx.parked(gate.opened.then(() => 'woken')));
      server.serve('b.echo', (payload) => payload);
      await server.start();
      const client = await world().started('a');
      const polls = Array.from({ length: 10 }, () => client.call(subject('b.poll'), 1, context()));
      expect(await client.call(echo, 'not blocked', context())).toBe('not blocked');
      gate.open();
      expect(await Promise.all(polls)).toEqual(Array.from({ length: 10 }, () => 'woken'));
    });

    it('forwards over three services: the last answers the first, with all that travels', async () => {
      const names = ['b', 'c'] as const;
      let seen: BusContext | undefined;
      for (const name of names) {
        const bus = await world().bus(name);
        bus.serve(`${name}.get`, (payload, ctx) => {
          const { id } = payload as { id: number };
          return ctx.forward(subject(name === 'b' ? 'c.get' : 'd.get'), { id: id + 1 });
        });
        await bus.start();
      }
      const last = await world().bus('d');
      last.serve('d.get', (payload, ctx) => {
        seen = ctx;
        return payload;
      });
      await last.start();
      const client = await world().started('a');
      const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      const sent = {
        corrId: '01JAAAAAAAAAAAAAAAAAAAAAAA',
        traceparent,
        tracestate: 'vendor=1',
        principal: 'alice',
        metadata: { tenant: 'x' },
      };
      expect(await client.call(subject('b.get'), { id: 1 }, { ...sent, ttlMs: 3_000 })).toEqual({ id: 3 });
      expect(seen).toMatchObject({ ...sent, caller: client.instance, attempt: 1 });
      expect(seen?.remainingMs()).toBeLessThanOrEqual(3_000);
      await last.close();
      expect(await rejection(client.call(subject('b.get'), { id: 1 }, context({ ttlMs: 2_000 })))).toMatchObject({
        code: expect.stringMatching(/no_responders|deadline/) as string,
      });
    });

    it('refuses calls before it is started', async () => {
      const client = await world().bus('a');
      expect(client.status()).toBe('connecting');
      expect(await rejection(client.call(echo, 1, context()))).toBeInstanceOf(BusUnavailable);
      await client.start();
      expect(client.status()).toBe('ready');
    });

    it('rejects what is pending, and all that comes later, when it is closed', async () => {
      const server = await world().bus('b');
      server.serve('b.never', () => new Promise(() => undefined));
      await server.start();
      const client = await world().started('a');
      const statuses: string[] = [];
      client.onStatus((status) => statuses.push(status));
      const pending = rejection(client.call(subject('b.never'), 1, context()));
      await client.close();
      expect(await pending).toBeInstanceOf(BusClosed);
      expect(await rejection(client.call(subject('b.never'), 1, context()))).toBeInstanceOf(BusClosed);
      expect(client.status()).toBe('closed');
      expect(statuses).toEqual(['closed']);
    });
  });
}
