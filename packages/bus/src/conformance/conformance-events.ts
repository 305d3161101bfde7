import { describe, expect, it } from 'vitest';
import { context, eventually, Gate, rejection, topic, type World } from './conformance-world.ts';
import { LINK_BOUNDS } from '../bus-limits.ts';
import { BusOverflow } from '../errors.ts';

const orders = topic('orders.placed');
const heads = topic('registry.head');

export function eventConformance(world: () => World): void {
  describe('work', () => {
    it('reaches each group once, whatever its number of instances', async () => {
      const seen: Record<string, unknown[]> = { billing: [], mail: [] };
      for (const group of ['billing', 'billing', 'mail', 'mail']) {
        const bus = await world().started(group);
        await bus.onWork(orders.name, group, (event) => void seen[group]?.push(event));
      }
      const publisher = await world().started('shop');
      const numbers = Array.from({ length: 300 }, (_, n) => n);
      await Promise.all(numbers.map((n) => publisher.publishWork(orders, n, context())));
      const complete = (): boolean => Object.values(seen).every((events) => events.length === 300);
      await eventually(complete, 'every group has all events');
      for (const events of Object.values(seen)) expect(new Set(events).size).toBe(300);
    });

    it('keeps what is published before anybody handles it', async () => {
      const publisher = await world().started('shop');
      const worker = await world().started('billing');
      const seen: unknown[] = [];
      await publisher.publishWork(orders, 'early', context({ corrId: 'c-1' }));
      await worker.onWork(orders.name, 'billing', (event, ctx) => void seen.push([event, ctx.corrId, ctx.attempt]));
      await eventually(() => seen.length === 1, 'the event arrives');
      expect(seen).toEqual([['early', 'c-1', 1]]);
    });

    it('is refused, not trimmed, when its stream is full', async () => {
      world().medium({ streamFrames: 8 });
      const gate = new Gate();
      const worker = await world().started('billing', { limits: { handlerConcurrency: 1 } });
      const seen: unknown[] = [];
      await worker.onWork(orders.name, 'billing', async (event) => {
        await gate.opened;
        seen.push(event);
      });
      const publisher = await world().started('shop');
      const accepted: number[] = [];
      let refused: unknown;
      for (let n = 0; n < 40; n += 1) {
        await publisher.publishWork(orders, n, context()).then(
          () => accepted.push(n),
          (error: unknown) => (refused = error),
        );
      }
      expect(refused).toBeInstanceOf(BusOverflow);
      expect(accepted.length).toBeLessThan(40);
      gate.open();
      await eventually(() => seen.length === accepted.length, 'all that was accepted is handled');
      expect(seen).toEqual(accepted);
    });

    it('comes again to a handler that failed, and is put aside after the last attempt', async () => {
      const attempts: number[] = [];
      const others: unknown[] = [];
      const worker = await world().started('billing', { limits: { workAttempts: 3, workBackoffMs: 10 } });
      await worker.onWork(orders.name, 'billing', (event, ctx) => {
        if (event !== 'poison') return void others.push(event);
        attempts.push(ctx.attempt);
        throw new Error('cannot');
      });
      const publisher = await world().started('shop');
      // In one turn, so that the poison shares its entry with the others.
      const events = [1, 2, 'poison', 3, 4];
      await Promise.all(events.map((event) => publisher.publishWork(orders, event, context())));
      await eventually(() => attempts.length === 3, 'the poison ran three times', 20_000);
      const letters = 'bus_dead_letters_total';
      await eventually(async () => (await world().metric(letters, 'max_deliveries')) === 1, 'put aside');
      expect(attempts).toEqual([1, 2, 3]);
      expect(others).toEqual([1, 2, 3, 4]);
      const deadLetters = async (): Promise<number> => {
        const readings = await world().linkOf(worker).readings();
        return readings.find(({ stream }) => stream === 'dead_letter')?.depthEntries ?? 0;
      };
      await eventually(async () => (await deadLetters()) === 1, 'the dead letter is kept');
    });
  });

  describe('hints', () => {
    const lagged = async (): Promise<boolean> => (await world().metric('bus_lagged_total')) > 0;

    it('reaches every reader, in order', async () => {
      const seen: unknown[][] = [[], []];
      for (const list of seen) {
        const reader = await world().started('gateway');
        await reader.onHint(
          heads.name,
          (event) => void list.push(event),
          () => list.push('lag'),
        );
      }
      const publisher = await world().started('registry');
      for (let n = 0; n < 200; n += 1) await publisher.publishHint(heads, n, context());
      await eventually(() => seen.every((list) => list.length === 200), 'both readers have all');
      for (const list of seen) expect(list).toEqual(Array.from({ length: 200 }, (_, n) => n));
    });

    it('is never refused for a slow reader, who learns exactly how many it lost', async () => {
      const gate = new Gate();
      const seen: number[] = [];
      const lags: { lost: number; after: number }[] = [];
      const reader = await world().started('gateway');
      await reader.onHint(
        heads.name,
        async (event) => {
          seen.push(event as number);
          await gate.opened;
        },
        (lost) => lags.push({ lost, after: seen.at(-1) ?? -1 }),
      );
      const publisher = await world().started('registry');
      const total = 6_000;
      for (let n = 0; n < total; n += 500) {
        await Promise.all(Array.from({ length: 500 }, (_, i) => publisher.publishHint(heads, n + i, context())));
      }
      await eventually(lagged, 'the reader has lost some', 20_000);
      gate.open();
      await eventually(() => seen.at(-1) === total - 1, 'the last hint arrives', 20_000);
      const lost = lags.reduce((sum, lag) => sum + lag.lost, 0);
      expect(lost).toBeGreaterThan(0);
      expect(seen.length + lost).toBe(total);
      expect(await world().metric('bus_lagged_total')).toBe(lost);
      // Told at the gap itself: the hint behind it is `lost` further on.
      for (const { lost: gap, after } of lags) expect(seen[seen.indexOf(after) + 1]).toBe(after + gap + 1);
    });

    it('waits with the next hint until the snapshot is read again, and goes on when that fails', async () => {
      const order: string[] = [];
      const errors: unknown[] = [];
      const gate = new Gate();
      const reader = await world().started('gateway', { onHandlerError: (error) => void errors.push(error) });
      let lags = 0;
      await reader.onHint(
        heads.name,
        async (event) => {
          if (event === 0) await gate.opened;
          if (lags > 0) order.push('hint');
        },
        async () => {
          lags += 1;
          order.push('snapshot begins');
          await new Promise((resolve) => setImmediate(resolve));
          order.push('snapshot read');
          throw new Error('the snapshot is away');
        },
      );
      const publisher = await world().started('registry');
      for (let n = 0; n < 5_000; n += 500) {
        await Promise.all(Array.from({ length: 500 }, (_, i) => publisher.publishHint(heads, n + i, context())));
      }
      await eventually(lagged, 'the reader has lost some', 20_000);
      gate.open();
      await eventually(() => order.includes('hint'), 'the reader goes on', 20_000);
      expect(order.slice(0, 3)).toEqual(['snapshot begins', 'snapshot read', 'hint']);
      expect(errors.length).toBeGreaterThan(0);
      for (const error of errors) expect(error).toMatchObject({ message: 'the snapshot is away' });
    });

    it('accounts for every hint: published are handled or lagged, and what was trimmed is counted', async () => {
      const total = 9_000;
      const readers: { handled: number; lost: number; last: number; gates: Gate[] }[] = [];
      for (const pauses of [[], [100], [10, 4_500], [4_200, 4_201]]) {
        const own = { handled: 0, lost: 0, last: -1, gates: pauses.map(() => new Gate()) };
        readers.push(own);
        const reader = await world().started('gateway');
        await reader.onHint(
          heads.name,
          async (event) => {
            own.handled += 1;
            own.last = event as number;
            const pause = pauses.findIndex((at) => own.handled === at);
            if (pause >= 0) await own.gates[pause]?.opened;
          },
          (lost) => (own.lost += lost),
        );
      }
      const publisher = await world().started('registry');
      for (let n = 0; n < total; n += 500) {
        await Promise.all(Array.from({ length: 500 }, (_, i) => publisher.publishHint(heads, n + i, context())));
        if (n === 5_000) for (const { gates } of readers) gates[0]?.open();
      }
      await eventually(lagged, 'a reader has lost some', 20_000);
      for (const { gates } of readers) for (const gate of gates) gate.open();
      await eventually(() => readers.every(({ last }) => last === total - 1), 'all are at the end', 30_000);
      for (const each of readers) expect(each.handled + each.lost).toBe(total);
      const lost = readers.reduce((sum, each) => sum + each.lost, 0);
      expect(await world().metric('bus_lagged_total')).toBe(lost);
      expect(await world().metric('bus_trimmed_entries_total', 'hint')).toBe(total - LINK_BOUNDS.hintEntries);
    });

    it('begins with what is published after the reader joined', async () => {
      const publisher = await world().started('registry');
      await publisher.publishHint(heads, 'before', context());
      const seen: unknown[] = [];
      const reader = await world().started('gateway');
      await reader.onHint(
        heads.name,
        (event) => void seen.push(event),
        (lost) => seen.push({ lost }),
      );
      await publisher.publishHint(heads, 'after', context());
      await eventually(() => seen.length > 0, 'a hint arrives');
      expect(seen).toEqual(['after']);
    });
  });

  describe('publishing', () => {
    it('counts against the client gate', async () => {
      const publisher = await world().started('shop', { limits: { inflightCalls: 2 } });
      const results = await Promise.allSettled([1, 2, 3].map((n) => publisher.publishWork(orders, n, context())));
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
      expect(await rejection(publisher.publishWork(orders, Buffer.alloc(2 ** 20), context()))).toMatchObject({
        code: 'too_large',
      });
    });
  });
}
