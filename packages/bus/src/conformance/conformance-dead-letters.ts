import { describe, expect, it } from 'vitest';
import type { Bus } from '../bus.ts';
import { readMessageHeads, type DeadLetterHead } from '../dead-letters.ts';
import { BusOverflow } from '../errors.ts';
import { encodeEntry } from '../wire/codec.ts';
import { frame, KIND } from '../wire/frame.ts';
import { context, eventually, rejection, topic, type World } from './conformance-world.ts';

const orders = topic('orders.placed');
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

export function deadLetterConformance(world: () => World): void {
  const lettersOf = async (bus: Bus, service: string): Promise<readonly DeadLetterHead[]> =>
    (await world().linkOf(bus).deadLetters(service).list()).letters;

  describe('dead letters', () => {
    it('tell where they come from, and are replayed to their own group alone, as a first attempt', async () => {
      const seen: Record<string, [unknown, number, string][]> = { billing: [], mail: [] };
      let broken = true;
      for (const group of ['billing', 'mail']) {
        const bus = await world().started(group, { limits: { workAttempts: 2, workBackoffMs: 5 } });
        await bus.onWork(orders.name, group, (event, ctx) => {
          if (group === 'billing' && event === 'poison' && broken) throw new Error('broken');
          seen[group]?.push([event, ctx.attempt, ctx.corrId]);
        });
      }
      const publisher = await world().started('shop');
      await Promise.all(
        ['fine', 'poison'].map((event) =>
          publisher.publishWork(orders, event, context({ corrId: `c-${event}`, traceparent: TRACE })),
        ),
      );
      await eventually(async () => (await lettersOf(publisher, 'billing')).length === 1, 'it is put aside');
      const [letter] = await lettersOf(publisher, 'billing');
      expect(letter).toMatchObject({
        service: 'billing',
        kind: 'work',
        name: orders.name,
        reason: 'max_deliveries',
        attempts: 2,
        corrId: 'c-poison',
        traceparent: TRACE,
        frames: 1,
      });
      expect(Math.abs((letter?.at ?? 0) - Date.now())).toBeLessThan(60_000);
      const store = world().linkOf(publisher).deadLetters('billing');
      const shown = await store.show(letter?.id ?? '');
      expect(readMessageHeads(shown?.entry ?? new Uint8Array(0)).messages).toMatchObject([
        { subject: orders.name, corrId: 'c-poison', traceparent: TRACE },
      ]);
      expect(shown?.entry.length).toBe(letter?.bytes);
      broken = false;
      expect(await store.replay(letter?.id ?? '')).toBe(true);
      expect(await store.replay(letter?.id ?? '')).toBe(false);
      await eventually(() => seen['billing']?.length === 2, 'the replay is handled');
      expect(seen['billing']?.[1]).toEqual(['poison', 1, 'c-poison']);
      expect(await lettersOf(publisher, 'billing')).toEqual([]);
      const depth = async (): Promise<number> =>
        (await world().linkOf(publisher).readings()).reduce((sum, { depthEntries }) => sum + depthEntries, 0);
      await eventually(async () => (await depth()) === 0, 'the other group settled it too');
      expect(seen['mail']?.map(([event]) => event)).toEqual(['fine', 'poison']);
    });

    it('stay when the stream they would return to is full', async () => {
      world().medium({ streamFrames: 2 });
      const worker = await world().started('billing');
      await worker.onWork(orders.name, 'billing', () => {
        throw Object.assign(new Error('no'), { retryable: false, code: 'odd' });
      });
      const publisher = await world().started('shop');
      await publisher.publishWork(orders, 1, context());
      await eventually(async () => (await lettersOf(publisher, 'billing')).length === 1, 'it is put aside');
      await worker.close();
      for (let n = 0; n < 2; n += 1) await publisher.publishWork(orders, n, context());
      const store = world().linkOf(publisher).deadLetters('billing');
      const [letter] = await lettersOf(publisher, 'billing');
      expect(await rejection(store.replay(letter?.id ?? ''))).toBeInstanceOf(BusOverflow);
      expect((await lettersOf(publisher, 'billing')).length).toBe(1);
    });

    it('are paged oldest first, and dropped one by one or up to a time', async () => {
      const server = await world().bus('b');
      server.serve('b.echo', (payload) => payload);
      await server.start();
      const link = world().linkOf(server);
      const store = link.deadLetters('b');
      for (let n = 0; n < 5; n += 1) await link.appendRequest('b', 'fast', Uint8Array.of(0xff, n), 1);
      await eventually(async () => (await lettersOf(server, 'b')).length === 5, 'all are put aside');
      const first = await store.list({ limit: 2 });
      expect(first.letters).toMatchObject([
        { reason: 'malformed', kind: 'request', name: 'b', lane: 'fast', bytes: 2 },
        { reason: 'malformed' },
      ]);
      const second = await store.list({ limit: 2, after: first.next });
      const third = await store.list({ limit: 2, after: second.next });
      expect([second.letters.length, third.letters.length, third.next]).toEqual([2, 1, undefined]);
      const ids = [first, second, third].flatMap(({ letters }) => letters.map(({ id }) => id));
      expect(new Set(ids).size).toBe(5);
      const bytes = await Promise.all(ids.map(async (id) => (await store.show(id))?.entry[1]));
      expect(bytes).toEqual([0, 1, 2, 3, 4]);
      expect(await store.drop(ids[2] ?? '')).toBe(true);
      expect(await store.drop(ids[2] ?? '')).toBe(false);
      expect(await store.show('no id')).toBeUndefined();
      expect(await store.dropUntil(Date.now() + 60_000, 3)).toBe(3);
      expect((await lettersOf(server, 'b')).map(({ id }) => id)).toEqual([ids[4]]);
      // What is no request of anybody goes the same way again.
      expect(await store.replay(ids[4] ?? '')).toBe(true);
      await eventually(async () => (await world().metric('bus_dead_letters_total', 'malformed')) === 6, 'once more');
      expect(await store.dropUntil(Date.now() + 60_000)).toBe(1);
      expect(await lettersOf(server, 'b')).toEqual([]);
    });

    it('take what no handler of a topic can be meant for, and the reader goes on', async () => {
      const seen: unknown[] = [];
      const worker = await world().started('billing');
      await worker.onWork(orders.name, 'billing', (event) => void seen.push(event));
      const link = world().linkOf(worker);
      await link.appendWork(orders.name, Buffer.from('not a frame at all'), 1);
      const astray = [frame(KIND.EVT, { route: 'orders.cancelled', corrId: 'c-1' }), frame(KIND.REP, { call: 1 })];
      await link.appendWork(orders.name, encodeEntry(astray), 2);
      const broken = frame(KIND.EVT, { route: orders.name, codec: 1, body: Uint8Array.of(1, 2) });
      await link.appendWork(orders.name, encodeEntry([broken]), 1);
      const publisher = await world().started('shop');
      await publisher.publishWork(orders, 'alive', context());
      await eventually(() => seen.length === 1, 'the reader goes on');
      await eventually(async () => (await lettersOf(worker, 'billing')).length === 4, 'all are put aside');
      const reasons = (await lettersOf(worker, 'billing')).map(({ reason }) => reason).sort();
      expect(reasons).toEqual(['malformed', 'malformed', 'malformed', 'no_handler']);
      expect(seen).toEqual(['alive']);
      const depth = async (): Promise<number> =>
        (await link.readings()).find(({ stream }) => stream === 'work')?.depthEntries ?? -1;
      await eventually(async () => (await depth()) === 0, 'nothing is left of them');
    });
  });
}
