import { describe, expect, it } from 'vitest';
import type { Bus } from '../bus.ts';
import { context, eventually, Gate, topic, type World } from './conformance-world.ts';

const orders = topic('orders.placed');
const publishTogether = (bus: Bus, events: readonly unknown[]): Promise<unknown> =>
  // In one turn, so that they share one entry.
  Promise.all(events.map((event) => bus.publishWork(orders, event, context())));

export function workConformance(world: () => World): void {
  describe('work that fails', () => {
    it('runs again alone, and no other group hears of it', async () => {
      const runs: Record<string, [unknown, number][]> = { billing: [], mail: [] };
      for (const group of ['billing', 'mail']) {
        const bus = await world().started(group, { limits: { workBackoffMs: 10 } });
        await bus.onWork(orders.name, group, (event, ctx) => {
          runs[group]?.push([event, ctx.attempt]);
          if (group === 'billing' && event === 'b' && ctx.attempt < 3) throw new Error('not yet');
        });
      }
      const publisher = await world().started('shop');
      await publishTogether(publisher, ['a', 'b', 'c']);
      await eventually(() => runs['billing']?.length === 5 && runs['mail']?.length === 3, 'all runs');
      const pending = async (): Promise<number> =>
        (await world().linkOf(publisher).readings()).reduce((sum, reading) => sum + reading.pendingEntries, 0);
      await eventually(async () => (await pending()) === 0, 'nothing is pending');
      const counts = (event: string): number[] =>
        (runs['billing'] ?? []).filter(([e]) => e === event).map(([, n]) => n);
      expect([counts('a'), counts('b'), counts('c')]).toEqual([[1], [1, 2, 3], [1]]);
      expect(runs['mail']?.map(([event]) => event)).toEqual(['a', 'b', 'c']);
      expect(await world().metric('bus_work_retries_total')).toBe(2);
    });

    it('is a dead letter at once when its error says that no repeat helps', async () => {
      const attempts: number[] = [];
      const worker = await world().started('billing', { limits: { workBackoffMs: 10 } });
      await worker.onWork(orders.name, 'billing', (_event, ctx) => {
        attempts.push(ctx.attempt);
        throw Object.assign(new Error('never'), { code: 'bad_order', retryable: false });
      });
      const publisher = await world().started('shop');
      await publisher.publishWork(orders, 'odd', context());
      await eventually(async () => (await world().metric('bus_dead_letters_total', 'rejected')) === 1, 'put aside');
      expect(attempts).toEqual([1]);
    });

    it('waits as long as its error asks, not as long as its backoff', async () => {
      const attempts: number[] = [];
      const worker = await world().started('billing', {
        limits: { workBackoffMs: 600_000, workBackoffMaxMs: 600_000 },
      });
      await worker.onWork(orders.name, 'billing', (_event, ctx) => {
        attempts.push(ctx.attempt);
        if (ctx.attempt === 1) throw Object.assign(new Error('soon'), { retryAfterMs: 20 });
      });
      const publisher = await world().started('shop');
      await publisher.publishWork(orders, 'soon', context());
      await eventually(() => attempts.length === 2, 'the second run');
      expect(attempts).toEqual([1, 2]);
    });

    it('holds no handler slot while it waits', async () => {
      const seen: unknown[] = [];
      const limits = { handlerConcurrency: 1, workBackoffMs: 600_000, workBackoffMaxMs: 600_000 };
      const worker = await world().started('billing', { limits });
      await worker.onWork(orders.name, 'billing', (event) => {
        seen.push(event);
        if (event === 'poison') throw new Error('cannot');
      });
      const publisher = await world().started('shop');
      await publisher.publishWork(orders, 'poison', context());
      for (let n = 0; n < 5; n += 1) await publisher.publishWork(orders, n, context());
      await eventually(() => seen.length === 6, 'the others are handled');
      expect(seen).toEqual(['poison', 0, 1, 2, 3, 4]);
    });

    it('goes on where it was when its process is killed', async () => {
      world().medium({ minIdleMs: 300 });
      const runs: string[] = [];
      const worker = async (name: string, workBackoffMs: number): Promise<Bus> => {
        const bus = await world().started('billing', { limits: { workBackoffMs, workBackoffMaxMs: workBackoffMs } });
        await bus.onWork(orders.name, 'billing', (event, ctx) => {
          runs.push(`${name} ${String(event)} ${ctx.attempt}`);
          if (event === 'b' && ctx.attempt < 3) throw new Error('not yet');
        });
        return bus;
      };
      const first = await worker('first', 600_000);
      const publisher = await world().started('shop');
      await publishTogether(publisher, ['a', 'b']);
      await eventually(() => runs.length === 2, 'the first runs');
      // Its note is behind one more answer of the medium.
      await publisher.publishWork(orders, 'c', context());
      await eventually(() => runs.includes('first c 1'), 'the note is written');
      await world().kill(first);
      await worker('heir', 10);
      await eventually(() => runs.at(-1) === 'heir b 3', 'the last run');
      expect(runs.filter((run) => run.startsWith('heir') && !run.includes(' c '))).toEqual(['heir b 2', 'heir b 3']);
    });

    it('that kills its process is put aside alone, and what shared its entry is handled', async () => {
      world().medium({ minIdleMs: 200 });
      const handled: unknown[] = [];
      const deaths: number[] = [];
      const worker = async (): Promise<{ bus: Bus; died: Promise<void> }> => {
        const bus = await world().started('billing', { limits: { workAttempts: 3, workBackoffMs: 10 } });
        const struck = new Gate();
        await bus.onWork(orders.name, 'billing', (event, ctx) => {
          if (event !== 'poison') return void handled.push(event);
          deaths.push(ctx.attempt);
          struck.open();
          return new Promise(() => undefined);
        });
        return { bus, died: struck.opened };
      };
      let doomed = await worker();
      const publisher = await world().started('shop');
      await publishTogether(publisher, ['before', 'poison', 'behind']);
      for (let life = 1; life <= 3; life += 1) {
        await doomed.died;
        await world().kill(doomed.bus);
        doomed = await worker();
      }
      await eventually(
        async () => (await world().metric('bus_dead_letters_total', 'max_deliveries')) === 1,
        'put aside',
      );
      await eventually(() => handled.includes('behind'), 'the one behind it is handled');
      expect(deaths).toEqual([1, 2, 3]);
      const { letters } = await world().linkOf(publisher).deadLetters('billing').list();
      expect(letters).toMatchObject([{ reason: 'max_deliveries', attempts: 3, frames: 1 }]);
    });

    it('is given back by a drain at once, with its attempts', async () => {
      const runs: string[] = [];
      const worker = async (name: string): Promise<Bus> => {
        const bus = await world().started('billing', { limits: { workBackoffMs: 600_000, workBackoffMaxMs: 600_000 } });
        await bus.onWork(orders.name, 'billing', (event, ctx) => {
          runs.push(`${name} ${String(event)} ${ctx.attempt}`);
          if (name === 'first' && event === 'b') throw new Error('not here');
        });
        return bus;
      };
      const first = await worker('first');
      const publisher = await world().started('shop');
      await publishTogether(publisher, ['a', 'b']);
      await eventually(() => runs.length === 2, 'the first runs');
      await worker('heir');
      await first.drain(5_000);
      await eventually(() => runs.length === 3, 'the heir runs it', 20_000);
      expect(runs).toEqual(['first a 1', 'first b 1', 'heir b 2']);
    });
  });

  describe('the pending bound', () => {
    it('is never exceeded by a group, however many consume, and everything is handled', async () => {
      const bound = 6;
      world().medium({ pendingEntries: bound });
      const publisher = await world().started('shop');
      const total = 120;
      const seen = new Set<unknown>();
      const pending = async (): Promise<number> => {
        const readings = await world().linkOf(publisher).readings();
        return Math.max(0, ...readings.map((reading) => reading.pendingEntries));
      };
      let most = 0;
      const workers: Bus[] = [];
      for (let n = 0; n < 3; n += 1) {
        const bus = await world().started('billing');
        await bus.onWork(orders.name, 'billing', async (event) => {
          for (const each of workers) {
            const readings = await world().linkOf(each).readings();
            for (const { pendingEntries } of readings) most = Math.max(most, pendingEntries);
          }
          seen.add(event);
        });
        workers.push(bus);
      }
      // One after the other, so that each is an entry of its own.
      const publish = async (from: number): Promise<void> => {
        for (let n = from; n < total; n += 4) await publisher.publishWork(orders, n, context());
      };
      await Promise.all([0, 1, 2, 3].map(publish));
      await eventually(() => seen.size === total, 'everything is handled', 30_000);
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThanOrEqual(bound);
      await eventually(async () => (await pending()) === 0, 'nothing is left');
      expect(await world().metric('bus_pending_limited_total')).toBeGreaterThan(0);
    });

    it('counts what waits for another run', async () => {
      world().medium({ pendingEntries: 2 });
      const seen: unknown[] = [];
      const worker = await world().started('billing', { limits: { workBackoffMs: 300 } });
      await worker.onWork(orders.name, 'billing', (event, ctx) => {
        if (ctx.attempt === 1 && typeof event === 'string') throw new Error('once');
        seen.push(event);
      });
      const publisher = await world().started('shop');
      for (const event of ['x', 'y', 1]) await publisher.publishWork(orders, event, context());
      await eventually(() => seen.length === 3, 'all are handled');
      // The two that wait fill the bound, so the third comes behind the first of them.
      expect(seen[0]).toEqual(expect.any(String));
    });
  });
}
