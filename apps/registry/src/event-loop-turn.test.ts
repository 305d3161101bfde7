import { afterEach, describe, expect, it, vi } from 'vitest';
import { EventLoopTurn } from './event-loop-turn.ts';

afterEach(() => vi.restoreAllMocks());

describe('long work', () => {
  it('gives way by time, not by steps', async () => {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const turn = new EventLoopTurn();
    let others = 0;
    const step = async (ms: number): Promise<number> => {
      now += ms;
      const before = others;
      setImmediate(() => (others += 1));
      await turn.giveWay();
      return others - before;
    };
    for (let i = 0; i < 4; i += 1) expect(await step(1)).toBe(0);
    expect(await step(1)).toBeGreaterThan(0);
    expect(await step(4)).toBe(0);
    expect(await step(30)).toBeGreaterThan(0);
  });
});
