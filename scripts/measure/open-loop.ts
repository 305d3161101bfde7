import { setTimeout as delay } from 'node:timers/promises';

const MS_PER_SECOND = 1_000;

/**
 * Poisson arrivals at `rate` a second, released by a timer of 1 ms: those of one millisecond leave together. `arrive` is
 * told the millisecond they were due: latency counts from there, so that a client that is late does not hide it.
 */
export async function openLoop(rate: number, over: () => boolean, arrive: (dueAt: number) => void): Promise<void> {
  const perMs = rate / MS_PER_SECOND;
  const startedAt = performance.now();
  let dueMs = 0;
  while (!over()) {
    const now = performance.now() - startedAt;
    for (; dueMs <= now; dueMs += 1) {
      for (let left = poisson(perMs); left > 0; left -= 1) arrive(startedAt + dueMs);
    }
    await delay(1);
  }
}

/** How many arrivals a millisecond has when `mean` are expected (Knuth's method; `mean` is small). */
function poisson(mean: number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = Math.random(); product > limit; product *= Math.random()) count += 1;
  return count;
}
