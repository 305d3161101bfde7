import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { context, eventually, rejection, subject, type World } from './conformance-world.ts';
import { BusDeadline, BusOverflow } from '../errors.ts';
import type { ByteStream } from '../subject.ts';

const CHUNK = 64 * 1024;
const MIB = 1024 * 1024;

/** Chunks that differ, and what became of them. */
class Source {
  readonly hash = createHash('sha256');
  produced = 0;
  returned = false;
  /** Runs before each chunk. */
  onChunk: (index: number) => void | Promise<void> = () => undefined;

  async *chunks(bytes: number, size = CHUNK): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < bytes; at += size) {
        await this.onChunk(at / size);
        const chunk = Buffer.alloc(Math.min(size, bytes - at), (at / size) % 251);
        chunk.writeUInt32LE(at >>> 0, 0);
        this.hash.update(chunk);
        this.produced += chunk.length;
        yield chunk;
      }
    } finally {
      this.returned = true;
    }
  }
}

async function digestOf(body: ByteStream, onChunk: (total: number) => void | Promise<void> = () => undefined) {
  const hash = createHash('sha256');
  let total = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    total += chunk.length;
    await onChunk(total);
  }
  return { total, digest: hash.digest('hex') };
}

/** Gives everybody else so many turns of the loop. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function drainOf(source: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = source[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}

const read = subject('s.read', { stream: 'reply' });
const write = subject('s.write', { stream: 'request' });

export function streamConformance(world: () => World): void {
  const serving = async (source: Source, bytes: number, limits = {}) => {
    const server = await world().bus('s', { limits });
    server.serve('s.read', (_payload, ctx) => ctx.stream({ size: bytes }, source.chunks(bytes)));
    await server.start();
    return server;
  };

  describe('reads', () => {
    it('carries 10 MiB unchanged, never more than a window ahead of the reader', async () => {
      const source = new Source();
      await serving(source, 10 * MIB);
      const client = await world().started('a');
      const { head, body } = await client.read(read, {}, context());
      expect(head).toEqual({ size: 10 * MIB });
      let ahead = 0;
      const got = await digestOf(body, async (total) => {
        ahead = Math.max(ahead, source.produced - total);
        // A slow reader: the sender gets every chance to run ahead.
        if (total % MIB === 0) await turns(20);
      });
      expect(got).toEqual({ total: 10 * MIB, digest: source.hash.digest('hex') });
      expect(ahead).toBeLessThanOrEqual(MIB + 3 * CHUNK);
      await eventually(async () => (await world().metric('bus_open_streams')) === 0, 'no stream is left open');
      expect(await world().metric('bus_stream_credit_bytes')).toBe(0);
    });

    it('carries streams of no byte, one byte, odd sizes and chunks over a frame', async () => {
      const server = await world().bus('s');
      server.serve('s.read', (payload, ctx) => {
        const { bytes, size } = payload as { bytes: number; size: number };
        return ctx.stream(null, new Source().chunks(bytes, size));
      });
      await server.start();
      const client = await world().started('a');
      for (const [bytes, size] of [
        [0, CHUNK],
        [5, CHUNK],
        [300_001, 777],
        [3 * MIB, MIB],
      ] as const) {
        const expected = new Source();
        await drainOf(expected.chunks(bytes, size));
        const { body } = await client.read(read, { bytes, size }, context());
        expect(await digestOf(body), `${bytes} in ${size}`).toEqual({
          total: bytes,
          digest: expected.hash.digest('hex'),
        });
      }
    });

    it('has an empty body when the handler answers a plain value', async () => {
      const server = await world().bus('s');
      server.serve('s.read', () => ({ outcome: 'not_modified' }));
      await server.start();
      const client = await world().started('a');
      const { head, body } = await client.read(read, {}, context());
      expect(head).toEqual({ outcome: 'not_modified' });
      expect((await digestOf(body)).total).toBe(0);
      expect(await world().metric('bus_stream_credit_bytes')).toBe(0);
    });

    it('stops the source when the reader leaves, cancels or aborts', async () => {
      const ways: ((body: ByteStream, controller: AbortController) => Promise<unknown>)[] = [
        async (body) => {
          for await (const chunk of body) if (chunk.length > 0) break;
        },
        (body) => {
          body.cancel('enough');
          return rejection(digestOf(body));
        },
        async (body, controller) => {
          const reading = rejection(digestOf(body));
          controller.abort(new Error('gone home'));
          expect(await reading).toMatchObject({ message: 'gone home' });
        },
      ];
      const sources: Source[] = [];
      let aborted = 0;
      const server = await world().bus('s');
      server.serve('s.read', (_payload, ctx) => {
        const source = new Source();
        sources.push(source);
        ctx.signal.addEventListener('abort', () => (aborted += 1));
        return ctx.stream({}, source.chunks(100 * MIB));
      });
      await server.start();
      const client = await world().started('a');
      for (const way of ways) {
        const controller = new AbortController();
        const { body } = await client.read(read, {}, context({ signal: controller.signal }));
        await way(body, controller);
      }
      await eventually(() => sources.every((source) => source.returned), 'every source is closed');
      await eventually(() => aborted === 3, 'every handler is told');
      expect(Math.max(...sources.map((source) => source.produced))).toBeLessThan(2 * MIB);
    });

    it('passes an error of the source on, behind the bytes before it', async () => {
      const server = await world().bus('s');
      server.serve('s.read', (_payload, ctx) => {
        const source = new Source();
        source.onChunk = (index) => {
          if (index === 3) throw Object.assign(new Error('bad disk'), { code: 'integrity', retryable: true });
        };
        return ctx.stream({}, source.chunks(MIB));
      });
      await server.start();
      const client = await world().started('a');
      const { body } = await client.read(read, {}, context());
      let total = 0;
      const error = await rejection(
        (async () => {
          for await (const chunk of body) total += chunk.length;
        })(),
      );
      expect(error).toMatchObject({ name: 'RemoteError', code: 'integrity' });
      expect(total).toBe(3 * CHUNK);
    });

    it('ends on both sides when no byte moves', async () => {
      const source = new Source();
      await serving(source, 10 * MIB, { streamIdleMs: 200 });
      const client = await world().started('a', { limits: { streamIdleMs: 200 } });
      const { body } = await client.read(read, {}, context());
      await eventually(() => source.returned, 'the source is closed');
      const error = await rejection(digestOf(body));
      expect(error).toMatchObject({ code: 'deadline' });
      await eventually(async () => (await world().metric('bus_open_streams')) === 0, 'no stream is left open');
    });

    it('refuses a read that finds no window left, and takes it when one is free', async () => {
      const source = new Source();
      await serving(source, 10 * MIB);
      const client = await world().started('a', { limits: { processCredit: 2 * CHUNK } });
      const first = await client.read(read, {}, context());
      const second = await client.read(read, {}, context());
      const error = await rejection(client.read(read, {}, context()));
      expect(error).toBeInstanceOf(BusOverflow);
      expect(error).toMatchObject({ gate: 'credit' });
      first.body.cancel();
      const third = await client.read(read, {}, context());
      third.body.cancel();
      second.body.cancel();
    });

    it('streams to the original caller when three instances share the work behind a forward', async () => {
      for (let i = 0; i < 3; i += 1) {
        const server = await world().bus('s');
        server.serve('s.read', (_payload, ctx) => ctx.stream({ instance: ctx.instance }, new Source().chunks(3 * MIB)));
        await server.start();
      }
      const judge = await world().bus('j');
      judge.serve('j.read', (payload, ctx) => ctx.forward(read, payload));
      await judge.start();
      const client = await world().started('a');
      const expected = new Source();
      await drainOf(expected.chunks(3 * MIB));
      const digest = expected.hash.digest('hex');
      const instances = new Set<string>();
      // The first read teaches the forwarding writer how many consumers live.
      (await client.read(subject('j.read'), {}, context())).body.cancel();
      await Promise.all(
        Array.from({ length: 9 }, async () => {
          const { head, body } = await client.read(subject('j.read'), {}, context());
          instances.add((head as { instance: string }).instance);
          expect(await digestOf(body)).toEqual({ total: 3 * MIB, digest });
        }),
      );
      expect(instances.size).toBeGreaterThan(1);
    });
  });

  describe('writes', () => {
    it('carries 10 MiB to the holder of the ticket, never more than a window ahead of it', async () => {
      const source = new Source();
      let ahead = 0;
      const server = await world().bus('s');
      server.serve('s.open', (_payload, ctx) => ctx.ticket());
      server.serve('s.write', async (payload, ctx) => {
        const got = await digestOf(ctx.body, async (total) => {
          ahead = Math.max(ahead, source.produced - total);
          if (total % MIB === 0) await turns(20);
        });
        return { ...got, payload };
      });
      await server.start();
      const client = await world().started('a');
      const ticket = (await client.call(subject('s.open'), {}, context())) as { inbox: string; credit: number };
      const reply = await client.write(ticket, write, { upload: 'u' }, source.chunks(10 * MIB), context());
      expect(reply).toEqual({ total: 10 * MIB, digest: source.hash.digest('hex'), payload: { upload: 'u' } });
      expect(ahead).toBeLessThanOrEqual(MIB + 3 * CHUNK);
      await eventually(async () => (await world().metric('bus_stream_credit_bytes')) === 0, 'all windows are back');
    });

    it('stops the source when the handler answers early, or fails', async () => {
      const server = await world().bus('s');
      server.serve('s.write', async (payload, ctx) => {
        for await (const chunk of ctx.body) if (chunk.length > 0) break;
        if (payload === 'fail') throw Object.assign(new Error('full'), { code: 'no_space', retryable: true });
        return 'enough';
      });
      await server.start();
      const client = await world().started('a');
      const ticket = { inbox: server.instance, credit: CHUNK };
      const early = new Source();
      expect(await client.write(ticket, write, 'early', early.chunks(100 * MIB), context())).toBe('enough');
      const failed = new Source();
      const error = await rejection(client.write(ticket, write, 'fail', failed.chunks(100 * MIB), context()));
      expect(error).toMatchObject({ code: 'no_space' });
      await eventually(() => early.returned && failed.returned, 'both sources are closed');
    });

    it("ends the handler's body when the caller aborts or its source fails", async () => {
      const ends: unknown[] = [];
      let aborted = 0;
      const server = await world().bus('s');
      server.serve('s.write', async (_payload, ctx) => {
        ctx.signal.addEventListener('abort', () => (aborted += 1));
        ends.push(await rejection(digestOf(ctx.body)));
      });
      await server.start();
      const client = await world().started('a');
      const ticket = { inbox: server.instance, credit: CHUNK };
      const controller = new AbortController();
      const source = new Source();
      source.onChunk = (index) => (index === 20 ? controller.abort(new Error('client left')) : undefined);
      const signal = controller.signal;
      const left = await rejection(client.write(ticket, write, {}, source.chunks(100 * MIB), context({ signal })));
      expect(left).toMatchObject({ message: 'client left' });
      const broken = new Source();
      broken.onChunk = (index) => {
        if (index === 5) throw new Error('socket closed');
      };
      const failed = await rejection(client.write(ticket, write, {}, broken.chunks(MIB), context()));
      expect(failed).toMatchObject({ message: 'socket closed' });
      await eventually(() => ends.length === 2 && aborted === 2, 'both handlers ended');
      for (const end of ends) expect(end).toMatchObject({ code: 'canceled' });
      await eventually(() => source.returned && broken.returned, 'both sources are closed');
    });

    it('fails on both sides when no byte moves', async () => {
      const ends: unknown[] = [];
      const server = await world().bus('s', { limits: { streamIdleMs: 200 } });
      server.serve('s.write', async (_payload, ctx) => {
        ends.push(await rejection(digestOf(ctx.body)));
        throw Object.assign(new Error('idle'), { code: 'deadline', retryable: true });
      });
      await server.start();
      const client = await world().started('a');
      const source = new Source();
      source.onChunk = (index) => (index === 2 ? new Promise(() => undefined) : undefined);
      const ticket = { inbox: server.instance, credit: CHUNK };
      const error = await rejection(client.write(ticket, write, {}, source.chunks(MIB), context()));
      expect(error).toMatchObject({ code: expect.stringMatching(/deadline|canceled/) as string });
      await eventually(() => ends.length === 1, 'the handler ended');
      expect(ends[0]).toBeInstanceOf(BusDeadline);
    });

    it('does not wait for ever for a receiver that ended the stream and says nothing', async () => {
      const server = await world().bus('s', { limits: { streamIdleMs: 200 } });
      const silence = Promise.withResolvers<undefined>();
      server.serve('s.write', () => silence.promise);
      await server.start();
      const client = await world().started('a', { limits: { streamIdleMs: 600 } });
      const source = new Source();
      const ticket = { inbox: server.instance, credit: CHUNK };
      const error = await rejection(client.write(ticket, write, {}, source.chunks(MIB), context({ ttlMs: 60_000 })));
      expect(error).toMatchObject({ code: 'outcome_unknown' });
      await eventually(() => source.returned, 'the source is closed');
      silence.resolve(undefined);
    });

    it('refuses a ticket whose holder is gone, and closes the source', async () => {
      const client = await world().started('a');
      const source = new Source();
      const writing = client.write({ inbox: 's.nobody', credit: CHUNK }, write, {}, source.chunks(MIB), context());
      expect(await rejection(writing)).toMatchObject({ code: 'no_responders' });
      await eventually(() => source.returned || source.produced === 0, 'the source is closed');
    });
  });
}
