import { describe, expect, it } from 'vitest';
import { ExcessPenalty } from './excess-penalty.ts';

const PEER = 'peer';
/** Where gossipsub no longer reads what comes from a peer; its own default. */
const UNREAD = -80;

/** The score after so many seconds, each with so many envelopes over the rate. */
function scoreAfter(seconds: number, excess: number, penalty = new ExcessPenalty()): number {
  for (let second = 0; second < seconds; second += 1) {
    for (let i = 0; i < excess; i += 1) penalty.add(PEER);
    penalty.decay();
  }
  return penalty.scoreOf(PEER);
}

describe('what is held against a peer', () => {
  it('is nothing for a burst, and for a little too much now and then', () => {
    expect(new ExcessPenalty().scoreOf(PEER)).toBe(0);
    expect(scoreAfter(1, 50)).toBe(0);
    expect(scoreAfter(60, 10)).toBe(0);
  });

  it('puts one aside that goes on, also where little of its flood is looked at', () => {
    expect(scoreAfter(20, 40)).toBeLessThan(UNREAD);
    expect(scoreAfter(1, 1_000)).toBeLessThan(UNREAD);
  });

  it('is forgotten within a quarter of a minute of its end, however long it went on', () => {
    const penalty = new ExcessPenalty();
    expect(scoreAfter(600, 2_000, penalty)).toBeLessThan(UNREAD);
    expect(scoreAfter(10, 0, penalty)).toBeGreaterThan(UNREAD);
    expect(scoreAfter(5, 0, penalty)).toBe(0);
  });
});
