import { describe, expect, it } from 'vitest';
import { WorkProgress } from './work-progress.ts';

describe('progress of an entry of work', () => {
  it('is read back from its note', () => {
    const first = WorkProgress.read(undefined, 3, 1);
    expect([first.begun, first.left]).toEqual([false, 3]);
    for (const event of [0, 1, 1]) first.begin(event);
    first.finish(0);
    first.finish(0);
    expect([first.write(), first.left, first.begun]).toEqual(['d,2,0', 2, true]);
    expect([first.write(1), first.left]).toEqual(['d,d,0', 2]);
    const second = WorkProgress.read(first.write(), 3, 2);
    expect([second.isDone(0), second.runs(1), second.runs(2), second.left]).toEqual([true, 2, 0, 2]);
    second.begin(2);
    second.unbegin(2);
    second.unbegin(2);
    second.begin(0);
    expect(second.write()).toBe('d,2,0');
  });

  it('counts one run of each event of an entry that was delivered before and noted nothing', () => {
    expect(WorkProgress.read(undefined, 2, 4).write()).toBe('1,1');
  });

  it('does not believe a note that is none', () => {
    expect(WorkProgress.read('d', 2, 1).write()).toBe('0,0');
    expect(WorkProgress.read('x,-1', 2, 1).write()).toBe('0,0');
  });
});
