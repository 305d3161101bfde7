import { describe, expect, it } from 'vitest';
import { RestartPolicy } from './restart-policy.ts';

const ALMOST_ONE = 0.999_999;

describe('RestartPolicy', () => {
  it('doubles the bound of the pause with every restart of the last minute', () => {
    const policy = new RestartPolicy();
    const pauses = [0, 1, 2, 3, 4].map((at) => policy.next(at, ALMOST_ONE));
    expect(pauses).toEqual([100, 200, 400, 800, 1600]);
    expect(policy.total).toBe(5);
  });

  it('takes the full jitter: the pause may be nothing', () => {
    expect(new RestartPolicy().next(0, 0)).toBe(0);
  });

  it('quarantines the sixth end within a minute and counts no restart for it', () => {
    const policy = new RestartPolicy();
    for (let at = 0; at < 5; at += 1) policy.next(at * 1_000, 0);
    expect(policy.next(59_000, 0)).toBe('quarantine');
    expect(policy.total).toBe(5);
  });

  it('forgets restarts that are older than a minute', () => {
    const policy = new RestartPolicy();
    for (let at = 0; at < 5; at += 1) policy.next(at, 0);
    expect(policy.next(61_000, ALMOST_ONE)).toBe(100);
  });
});
