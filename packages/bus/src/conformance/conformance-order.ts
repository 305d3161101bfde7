import { describe, expect, it } from 'vitest';
import { BusNoResponders, BusPayloadTooLarge } from '../errors.ts';
import { context, eventually, Gate, rejection, subject, topic, type World } from './conformance-world.ts';

const moves = topic('account.moved');
const step = subject('ledger.step', { deadlineMs: 20_000 });

/** What a handler saw of each key, in its order. */
class Seen {
  readonly byKey = new Map<string, number[]>();

  add(key: string, n: number): void {
    const list = this.byKey.get(key) ?? [];
    this.byKey.set(key, list);
    list.push(n);
  }

  /** The first time each was seen: repeats are allowed, overtaking is not. */
  firsts(key: string): number[] {
    return [...new Set(this.byKey.get(key) ?? [])];
  }
}

const keys = Array.from({ length: 20 }, (_, n) => `account-${n}`);
const numbers = Array.from({ length: 15 }, (_, n) => n);
const asMove = (event: unknown): { key: string; n: number } => event as { key: string; n: number };

export function orderConformance(world: () => World): void {
  describe('order', () => {
    it('is kept for each key of requests, over three instances and many keys at once', async () => {
      const seen = new Seen();
      const running = new Map<string, number>();
      let overlaps = 0;
      for (let i = 0; i < 3; i += 1) {
        const server = await world().bus('ledger', { ordered: true });
        server.serve(step.name, async (payload) => {
          const { key, n } = asMove(payload);
          if ((running.get(key) ?? 0) > 0) overlaps += 1;
          running.set(key, 1);
          await new Promise((resolve) => setImmediate(resolve));
          seen.add(key, n);
          running.set(key, 0);
          return n;
        });
        await server.start();
      }
      const client = await world().started('teller');
      const calls = numbers.flatMap((n) =>
        keys.map((key) => client.call(step, { key, n }, context({ orderKey: key }))),
      );
      expect((await Promise.all(calls)).length).toBe(keys.length * numbers.length);
      for (const key of keys) expect(seen.firsts(key), key).toEqual(numbers);
      expect(overlaps).toBe(0);
    });

    it('of work is kept when the holder is killed, and nothing is lost', async () => {
      const seen = new Seen();
      const stuck = new Gate();
      const doomed = await world().started('audit');
      await doomed.onOrderedWork(moves.name, 'audit', () => {
        stuck.open();
        return new Promise(() => undefined);
      });
      const publisher = await world().started('bank');
      for (const n of numbers) {
        for (const key of keys) await publisher.publishWork(moves, { key, n }, context({ orderKey: key }));
      }
      await stuck.opened;
      const heir = await world().started('audit');
      const attempts: number[] = [];
      await heir.onOrderedWork(moves.name, 'audit', (event, ctx) => {
        const { key, n } = asMove(event);
        attempts.push(ctx.attempt);
        seen.add(key, n);
      });
      await world().kill(doomed);
      await eventually(() => keys.every((key) => seen.firsts(key).length === numbers.length), 'all arrive', 20_000);
      for (const key of keys) expect(seen.firsts(key), key).toEqual(numbers);
      expect(Math.max(...attempts)).toBeGreaterThan(1);
    });

    it('is kept when the holder drains under load', async () => {
      const seen = new Seen();
      const servers = [];
      for (let i = 0; i < 2; i += 1) {
        const server = await world().bus('ledger', { ordered: true });
        server.serve(step.name, (payload) => {
          const { key, n } = asMove(payload);
          seen.add(key, n);
          return n;
        });
        await server.start();
        servers.push(server);
      }
      const client = await world().started('teller');
      const failures: unknown[] = [];
      const sent = numbers.flatMap((n) =>
        keys.map(async (key) => {
          await client
            .call(step, { key, n }, context({ orderKey: key }))
            .catch((error: unknown) => failures.push(error));
        }),
      );
      await eventually(() => seen.byKey.size > 0, 'the first arrive');
      await servers[0]?.drain(5_000);
      await Promise.all(sent);
      expect(failures).toEqual([]);
      for (const key of keys) expect(seen.firsts(key), key).toEqual(numbers);
    });

    it('of one slow key does not hold back the others', async () => {
      const gate = new Gate();
      const answered: string[] = [];
      const server = await world().bus('ledger', { ordered: true });
      server.serve(step.name, async (payload) => {
        if (asMove(payload).key === 'slow') await gate.opened;
        return payload;
      });
      await server.start();
      const client = await world().started('teller');
      const call = async (key: string, n: number): Promise<void> => {
        await client.call(step, { key, n }, context({ orderKey: key }));
        answered.push(key);
      };
      const slow = [call('slow', 0), call('slow', 1)];
      await Promise.all(keys.map((key) => call(key, 0)));
      expect(answered).not.toContain('slow');
      gate.open();
      await Promise.all(slow);
      expect(answered.filter((key) => key === 'slow')).toHaveLength(2);
    });

    it('of work tries an event again before the next of its key, and puts it aside in the end', async () => {
      const seen: string[] = [];
      const worker = await world().started('audit', { limits: { workAttempts: 2 } });
      await worker.onOrderedWork(moves.name, 'audit', (event, ctx) => {
        const { key, n } = asMove(event);
        seen.push(`${key} ${n} ${ctx.attempt}`);
        if (n === 0) throw new Error('cannot');
      });
      const publisher = await world().started('bank');
      for (const n of [0, 1]) await publisher.publishWork(moves, { key: 'a', n }, context({ orderKey: 'a' }));
      await eventually(() => seen.length === 3, 'the second follows');
      expect(seen).toEqual(['a 0 1', 'a 0 2', 'a 1 1']);
      expect(await world().metric('bus_dead_letters_total', 'max_deliveries')).toBe(1);
    });

    it('is refused where nobody keeps it, and a key has a limit', async () => {
      const server = await world().bus('ledger');
      server.serve(step.name, (payload) => payload);
      await server.start();
      const client = await world().started('teller');
      const unordered = client.call(step, 1, context({ orderKey: 'a' }));
      expect(await rejection(unordered)).toBeInstanceOf(BusNoResponders);
      const long = client.call(step, 1, context({ orderKey: 'a'.repeat(256) }));
      expect(await rejection(long)).toBeInstanceOf(BusPayloadTooLarge);
    });
  });
}
