import { expect, it } from 'vitest';
import { SWEEPER_STALL_MS, Sweeper } from './sweeper.ts';

interface Step {
  readonly passes: number;
  readonly answer: () => boolean;
}

/** Resolves once `passes` sweeps have run. */
function counted({ passes, answer }: Step): { sweep: () => Promise<boolean>; done: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = 0;
  const sweep = (): Promise<boolean> => {
    seen += 1;
    if (seen === passes) resolve();
    return new Promise((answered) => {
      answered(answer());
    });
  };
  return { sweep, done: promise };
}

it('runs back to back while there is more, and again after the interval', async () => {
  const more = counted({ passes: 5, answer: () => true });
  const busy = new Sweeper({ sweep: more.sweep, intervalMs: 1e9, onFailure: () => undefined, now: () => 0 });
  busy.start();
  await more.done;
  await busy.stop();
  const idle = counted({ passes: 3, answer: () => false });
  const calm = new Sweeper({ sweep: idle.sweep, intervalMs: 1, onFailure: () => undefined, now: () => 0 });
  calm.start();
  await idle.done;
  await calm.stop();
  expect(calm.alive).toBe(false);
});

it('goes on after a failure, and is not alive when nothing succeeds for long', async () => {
  let now = 0;
  const failures: unknown[] = [];
  const failing = counted({
    passes: 3,
    answer: () => {
      throw new Error('disk');
    },
  });
  const sweeper = new Sweeper({
    sweep: failing.sweep,
    intervalMs: 1,
    onFailure: (error) => failures.push(error),
    now: () => now,
  });
  sweeper.start();
  await failing.done;
  expect(sweeper.alive).toBe(true);
  now = SWEEPER_STALL_MS;
  expect(sweeper.alive).toBe(false);
  await sweeper.stop();
  expect(failures.length).toBeGreaterThanOrEqual(2);
});
