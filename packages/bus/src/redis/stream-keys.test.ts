import { describe, expect, it } from 'vitest';
import { StreamKeys } from './stream-keys.ts';

describe('keys', () => {
  it('are spelled once, and all of a shard share its hash tag', () => {
    const keys = new StreamKeys();
    expect(keys.request('storage', 'bulk')).toEqual({
      stream: 'bus:{b0}:rq:storage:bulk',
      counters: 'bus:{b0}:ad:rq:storage:bulk',
      live: 'bus:{b0}:lv:storage',
      lease: 'bus:{b0}:ls:rq:storage:bulk',
      notes: 'bus:{b0}:nt:rq:storage:bulk',
      shares: 'bus:{b0}:qt:rq:storage:bulk',
    });
    expect(keys.work('object.stored', 'index')).toEqual({
      stream: 'bus:{b0}:ev:object.stored',
      counters: 'bus:{b0}:ad:ev:object.stored',
      live: 'bus:{b0}:lv:ev:object.stored:index',
      lease: 'bus:{b0}:ls:ev:object.stored:index',
      notes: 'bus:{b0}:nt:ev:object.stored:index',
      shares: 'bus:{b0}:qt:ev:object.stored:index',
    });
    expect(keys.inbox('i1').stream).toBe('bus:{b0}:in:i1');
    expect(keys.hints('registry.head').stream).toBe('bus:{b0}:hi:registry.head');
    expect(keys.deadLetters('storage').stream).toBe('bus:{b0}:dl:storage');
    expect(keys.restarting('storage')).toBe('bus:{b0}:rs:storage');
  });

  it('of another namespace or shard are others', () => {
    expect(new StreamKeys('staging', 3).inbox('i1').stream).toBe('staging:{b3}:in:i1');
  });

  it('of both lanes share the presence of their service', () => {
    const keys = new StreamKeys();
    expect(keys.request('storage', 'fast').live).toBe(keys.request('storage', 'bulk').live);
  });
});
