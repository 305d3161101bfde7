import { describe, expect, it } from 'vitest';
import { chooseBase } from './base.ts';

const HEAD = 'head';
const PARENT = 'parent';

describe('the revision compared with when none is named', () => {
  it.each([
    ['a branch', { mergeBase: 'fork', changed: false }, 'fork'],
    ['a branch with changed files', { mergeBase: 'fork', changed: true }, 'fork'],
    ['the trunk with changed files', { mergeBase: HEAD, changed: true }, HEAD],
    ['the trunk as committed', { mergeBase: HEAD, changed: false }, PARENT],
    ['a clone without a trunk', { mergeBase: undefined, changed: false }, PARENT],
  ])('of %s', (_what, history, revision) => {
    const chosen = chooseBase({ head: HEAD, parent: PARENT, ...history });
    expect(chosen.revision).toBe(revision);
    expect(chosen.reason).not.toBe('');
  });

  it('asks for one where there is none', () => {
    const first = { head: HEAD, parent: undefined, mergeBase: undefined, changed: false };
    expect(() => chooseBase(first)).toThrow('--base');
  });
});
