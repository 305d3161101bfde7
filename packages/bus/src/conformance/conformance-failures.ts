import { describe, expect, it } from 'vitest';
import { context, eventually, Gate, rejection, subject, type World } from './conformance-world.ts';
import { BusOutcomeUnknown, BusOverflow } from '../errors.ts';

const CHUNK = 64 * 1024;

async function* endless(onReturn: () => void): AsyncGenerator<Uint8Array> {
  try {
    for (;;) yield Buffer.alloc(CHUNK, 1);
  } finally {
    onReturn();
  }
}

export function failureConformance(world: () => World): void {
  describe('failures', () => {
    it('gives the request of a killed instance to another one, once, as a second attempt', async () => {
      world().medium({ minIdleMs: 400 });
      const attempts: number[] = [];
      const started = new Gate();
      const doomed = await world().bus('b');
      doomed.serve('b.work', () => {
        started.open();
        return new Promise(() => undefined);
      });
      await doomed.start();
      const client = await world().started('a');
      const call = client.call(subject('b.work'), 1, context({ ttlMs: 15_000 }));
      await started.opened;
      const heir = await world().bus('b');
      heir.serve('b.work', (_payload, ctx) => {
        attempts.push(ctx.attempt);
        return 'done by the heir';
      });
      await heir.start();
      await world().kill(doomed);
      expect(await call).toBe('done by the heir');
      expect(attempts).toEqual([2]);
      expect(await world().metric('bus_redelivered_total')).toBe(1);
    });

    it('puts a malformed entry aside and goes on', async () => {
      const server = await world().bus('b');
      server.serve('b.echo', (payload) => payload);
      await server.start();
      const client = await world().started('a');
      const link = world().linkOf(client);
      await link.appendRequest('b', 'fast', Buffer.from('not a frame at all'), 1);
      await link.appendInbox(server.instance, Buffer.from('neither is this'));
      expect(await client.call(subject('b.echo'), 'alive', context())).toBe('alive');
      await eventually(
        async () => (await world().metric('bus_dead_letters_total', 'malformed')) === 1,
        'the entry is a dead letter',
      );
      await eventually(async () => (await world().metric('bus_malformed_total')) === 2, 'both are counted');
    });

    it('loses no call when one of two instances drains under load', async () => {
      const servers = [];
      for (let i = 0; i < 2; i += 1) {
        const server = await world().bus('b', { limits: { handlerConcurrency: 8 } });
        server.serve('b.echo', async (payload) => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          return payload;
        });
        await server.start();
        servers.push(server);
      }
      const client = await world().started('a');
      let sent = 0;
      let stop = false;
      const failures: unknown[] = [];
      const worker = async (): Promise<void> => {
        while (!stop) {
          sent += 1;
          await client.call(subject('b.echo'), sent, context()).catch((error: unknown) => failures.push(error));
        }
      };
      const workers = Array.from({ length: 32 }, worker);
      await eventually(() => sent > 300, 'load runs');
      await servers[0]?.drain(5_000);
      const before = sent;
      await eventually(() => sent > before + 300, 'load goes on');
      stop = true;
      await Promise.all(workers);
      expect(failures).toEqual([]);
      expect(servers[0]?.status()).toBe('closed');
    });

    it('makes callers wait, not fail, while the only instance restarts', async () => {
      const first = await world().bus('b');
      first.serve('b.echo', (payload) => payload);
      await first.start();
      const client = await world().started('a');
      await client.call(subject('b.echo'), 1, context());
      await first.drain(1_000);
      const waiting = client.call(subject('b.echo'), 'patience', context());
      const second = await world().bus('b');
      second.serve('b.echo', (payload) => payload);
      await second.start();
      expect(await waiting).toBe('patience');
    });

    it('finishes what runs before a drained instance closes', async () => {
      const gate = new Gate();
      const running = new Gate();
      const server = await world().bus('b');
      server.serve('b.wait', async (payload) => {
        running.open();
        await gate.opened;
        return payload;
      });
      await server.start();
      const client = await world().started('a');
      const call = client.call(subject('b.wait'), 'finished', context());
      await running.opened;
      const drained = server.drain(5_000);
      expect(server.status()).toBe('draining');
      gate.open();
      expect(await call).toBe('finished');
      await drained;
      expect(server.status()).toBe('closed');
    });

    it('ends long waits when it drains, so that they do not hold it up', async () => {
      const server = await world().bus('b');
      const waiting = new Gate();
      server.serve('b.poll', (_payload, ctx) => {
        waiting.open();
        return ctx.parked(new Promise(() => undefined));
      });
      await server.start();
      const client = await world().started('a');
      const poll = rejection(client.call(subject('b.poll'), 1, context({ ttlMs: 60_000 })));
      await waiting.opened;
      await server.drain(60_000);
      expect(await poll).toMatchObject({ code: 'unavailable', retryable: true });
    });

    it('fails an upload at once when the holder of its ticket is killed', async () => {
      const received = new Gate();
      const server = await world().bus('s', { limits: { streamIdleMs: 30_000 } });
      server.serve('s.write', async (_payload, ctx) => {
        let total = 0;
        for await (const chunk of ctx.body) {
          total += chunk.length;
          if (total > 10 * CHUNK) received.open();
        }
      });
      await server.start();
      const client = await world().started('a', { limits: { streamIdleMs: 1_500 } });
      let returned = false;
      const source = endless(() => {
        returned = true;
      });
      const ticket = { inbox: server.instance, credit: CHUNK };
      const writing = rejection(client.write(ticket, subject('s.write'), {}, source, context()));
      await received.opened;
      await world().kill(server);
      expect(await writing).toMatchObject({ code: expect.stringMatching(/unavailable|deadline/) as string });
      await eventually(() => returned, 'the source is closed');
    });

    it('cannot tell what became of an upload whose holder is killed before it answers', async () => {
      const received = new Gate();
      const server = await world().bus('s');
      server.serve('s.write', async (_payload, ctx) => {
        for await (const chunk of ctx.body) expect(chunk.length).toBe(CHUNK);
        received.open();
        await new Promise(() => undefined);
      });
      await server.start();
      const client = await world().started('a', { limits: { streamIdleMs: 600 } });
      async function* two(): AsyncGenerator<Uint8Array> {
        yield* [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)];
      }
      const ticket = { inbox: server.instance, credit: CHUNK };
      const writing = rejection(client.write(ticket, subject('s.write'), {}, two(), context()));
      await received.opened;
      await world().kill(server);
      expect(await writing).toBeInstanceOf(BusOutcomeUnknown);
    });

    it('closes the source of a read whose caller is killed', async () => {
      let returned = false;
      let aborted = false;
      const server = await world().bus('s', { limits: { streamIdleMs: 1_500 } });
      server.serve('s.read', (_payload, ctx) => {
        ctx.signal.addEventListener('abort', () => {
          aborted = true;
        });
        return ctx.stream(
          {},
          endless(() => {
            returned = true;
          }),
        );
      });
      await server.start();
      const client = await world().started('a');
      const { body } = await client.read(subject('s.read'), {}, context());
      const iterator = body[Symbol.asyncIterator]();
      await iterator.next();
      const pending = iterator.next().catch(() => undefined);
      await world().kill(client);
      await eventually(() => returned && aborted, 'the source is closed and the handler told');
      await pending;
    });

    it('refuses uploads beyond what it can hold', async () => {
      const gate = new Gate();
      const server = await world().bus('s', { limits: { processCredit: 2 * CHUNK } });
      server.serve('s.write', () => gate.opened);
      await server.start();
      const client = await world().started('a');
      const ticket = { inbox: server.instance, credit: CHUNK };
      const put = () =>
        client.write(
          ticket,
          subject('s.write'),
          {},
          endless(() => undefined),
          context(),
        );
      const held = [put(), put()];
      const error = await rejection(put());
      expect(error).toBeInstanceOf(BusOverflow);
      expect(error).toMatchObject({ gate: 'credit' });
      gate.open();
      await Promise.all(held);
    });
  });
}
