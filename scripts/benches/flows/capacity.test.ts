import { describe, expect, it } from 'vitest';
import { bottleneckOf, capacityOf } from './capacity.ts';

const COST = { gateway: 200, omnigate: 100, storage: 100, redis: 100 };

describe('capacity', () => {
  it('is the machine where cores are few', () => {
    expect(capacityOf(COST, 2)).toEqual({ rate: 4_000, limit: '2 cores' });
  });

  it('is the dearest process where cores are many, and the next one when that has replicas', () => {
    expect(capacityOf(COST, 64)).toEqual({ rate: 5_000, limit: 'gateway' });
    expect(capacityOf(COST, 64, { gateway: 4 })).toMatchObject({ rate: 10_000, limit: 'omnigate' });
    expect(bottleneckOf(COST)).toBe('gateway');
  });

  it('leaves out what a flow never touches', () => {
    expect(bottleneckOf({ gateway: 10, index: 0 })).toBe('gateway');
  });
});
