import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from './clock.ts';
import { DeadlineWheel, WHEEL_TICK_MS } from './deadline-wheel.ts';

/** What happens to one deadline, in ms of the test. */
const plan = fc.record({
  addedAt: fc.nat(400),
  after: fc.integer({ min: -50, max: 900 }),
  removedAt: fc.option(fc.nat(1_500), { nil: undefined }),
});
const steps = fc.array(fc.integer({ min: 1, max: 250 }), { minLength: 1, maxLength: 40 });

test('a deadline runs once, never early and soon after; one that was taken back never runs', () => {
  fc.assert(
    fc.property(fc.array(plan, { maxLength: 30 }), steps, (plans, advances) => {
      const clock = new ManualClock();
      const wheel = new DeadlineWheel(clock);
      const ran = plans.map((): number[] => []);
      const removed = plans.map(() => false);
      plans.forEach(({ addedAt, after, removedAt }, i) => {
        clock.after(addedAt, () => {
          const timed = wheel.runAt(addedAt + after, () => void ran[i]?.push(clock.now()));
          if (removedAt === undefined || removedAt < addedAt) return;
          clock.after(removedAt - addedAt, () => {
            if (ran[i]?.length === 0) removed[i] = true;
            wheel.remove(timed);
          });
        });
      });
      for (const ms of advances) clock.advance(ms);
      clock.advance(3_000);
      plans.forEach(({ addedAt, after }, i) => {
        const at = Math.max(addedAt, addedAt + after);
        if (removed[i] === true) return expect(ran[i]).toEqual([]);
        expect(ran[i]?.length, `deadline ${i}`).toBe(1);
        expect(ran[i]?.[0]).toBeGreaterThanOrEqual(addedAt + after);
        expect(ran[i]?.[0]).toBeLessThanOrEqual(at + 2 * WHEEL_TICK_MS);
      });
    }),
    { numRuns: 300 },
  );
});

test('a wheel that slept runs all it missed', () => {
  const ran: string[] = [];
  let now = 0;
  let wake: (() => void) | undefined;
  const wheel = new DeadlineWheel({
    now: () => now,
    after: (_ms, run) => {
      wake = run;
      return () => undefined;
    },
  });
  wheel.runAt(100, () => ran.push('soon'));
  wheel.runAt(1_000_000, () => ran.push('late'));
  wheel.runAt(5_000_000, () => ran.push('later'));
  now = 2_000_000;
  wake?.();
  expect(ran).toEqual(['soon', 'late']);
});

test('what is due at Infinity is watched, never runs, and can be taken back', () => {
  const clock = new ManualClock();
  const wheel = new DeadlineWheel(clock);
  const ran: string[] = [];
  const never = wheel.runAt(Infinity, () => ran.push('never'));
  wheel.runAt(1_000_000, () => ran.push('late'));
  clock.advance(2_000_000);
  expect(ran).toEqual(['late']);
  wheel.remove(never);
  wheel.runAt(2_000_100, () => ran.push('after'));
  clock.advance(200);
  expect(ran).toEqual(['late', 'after']);
});
