import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LoopWindow } from './loop-window.ts';

const STALL_MS = 80;
const STALL_SEEN = 0.05;

let loop: LoopWindow;
beforeEach(() => (loop = new LoopWindow()));
afterEach(() => loop.close());

/** Stalls until it was noticed: a monitor measures from its first tick on. */
async function stall(): Promise<void> {
  await vi.waitFor(() => {
    const over = performance.now() + STALL_MS;
    while (performance.now() < over);
    expect(loop.read().max).toBeGreaterThan(STALL_SEEN);
  });
}

it('shows a stall to every reader, not only to the first', async () => {
  await stall();
  expect(loop.read().max).toBeGreaterThan(STALL_SEEN);
  expect(loop.read().utilization).toBeGreaterThan(0);
});

it('remembers a stall for one window at least, and not for three', async () => {
  await stall();
  loop.turn();
  expect(loop.read().max).toBeGreaterThan(STALL_SEEN);
  loop.turn();
  expect(loop.read().max).toBe(0);
});
