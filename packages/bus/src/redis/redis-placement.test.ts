import { describe, expect, it } from 'vitest';
import { RedisPlacement } from './redis-placement.ts';
import { slotOf } from './redis-slots.ts';

describe('placement', () => {
  it('is the same for everybody, and uses every shard', () => {
    const placement = new RedisPlacement(8);
    const names = Array.from({ length: 800 }, (_, n) => `service-${n}`);
    const shards = names.map((name) => placement.shardOf(name));
    expect(names.map((name) => new RedisPlacement(8).shardOf(name))).toEqual(shards);
    for (let shard = 0; shard < 8; shard++) {
      const share = shards.filter((each) => each === shard).length;
      expect(share, `shard ${shard}`).toBeGreaterThan(50);
    }
  });

  it('never changes: a deployment would talk past itself', () => {
    const placement = new RedisPlacement(8);
    const known = ['gateway', 'omnigate', 'index', 'storage', 'mailbox', 'registry'];
    expect(known.map((name) => placement.shardOf(name))).toEqual([6, 2, 6, 5, 0, 2]);
  });

  it('is moved by the table, and nothing else with it', () => {
    const [before, after] = [new RedisPlacement(4), new RedisPlacement(4, { storage: 3, index: 3 })];
    expect(after.shardOf('storage')).toBe(3);
    for (const name of ['gateway', 'mailbox', 'registry']) expect(after.shardOf(name)).toBe(before.shardOf(name));
  });

  it('refuses what cannot be', () => {
    expect(() => new RedisPlacement(0)).toThrow(/1 to 64/);
    expect(() => new RedisPlacement(65)).toThrow(/1 to 64/);
    expect(() => new RedisPlacement(2, { storage: 2 })).toThrow(/0 to 1/);
  });
});

describe('slots', () => {
  it('are those of the protocol', () => {
    // The check value of CRC-16/XMODEM, and two slots as a server tells them.
    expect(slotOf('123456789')).toBe(0x31c3);
    expect(slotOf('foo')).toBe(12_182);
    expect(slotOf('b0')).toBe(6_939);
  });
});
