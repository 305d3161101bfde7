import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../bootstrap.mjs';
import { Baseline, baselineFile } from './baseline.ts';
import { PROFILES } from './samples.ts';
import type { Verdict } from './verdict.ts';
import { expired, MUST_FIX, unwaived, Waiver, WaiverFile } from './waivers.ts';

const SOUND = {
  rule: 'cpu',
  flow: 'mixed',
  profile: 'macronode',
  upstream_cause: 'ioredis 6.1 copies each reply twice before it is parsed',
  link: 'https://github.com/redis/ioredis/issues/1',
  approver: 'an owner',
  new_baseline: 'k6/baselines/macronode.json',
  granted: '2026-11-20',
  expires: '2026-11-27',
};

describe('a waiver', () => {
  it('is taken with everything it needs', () => {
    expect(Waiver.parse(SOUND)).toEqual(SOUND);
  });

  it.each(['upstream_cause', 'link', 'approver', 'new_baseline', 'granted', 'expires', 'profile', 'rule'])(
    'is refused without %s',
    (field) => {
      expect(Waiver.safeParse({ ...SOUND, [field]: undefined }).success).toBe(false);
    },
  );

  it.each([
    [{ upstream_cause: 'slow' }],
    [{ link: 'http://example.com' }],
    [{ link: 'we know' }],
    [{ expires: '2026-11-28' }],
    [{ expires: '2026-11-19' }],
    [{ new_baseline: '/tmp/mine.json' }],
    [{ flow: 'everything' }],
    [{ comment: 'please' }],
  ])('is refused with %o', (change) => {
    expect(Waiver.safeParse({ ...SOUND, ...change }).success).toBe(false);
  });

  it.each(MUST_FIX)('cannot be for %s', (rule) => {
    const { error } = Waiver.safeParse({ ...SOUND, rule });
    expect(error?.issues[0]?.message).toBe(`${rule} must be fixed and cannot be waived`);
  });

  it('ends', () => {
    const waiver = Waiver.parse(SOUND);
    expect(expired([waiver], '2026-11-27')).toEqual([]);
    expect(expired([waiver], '2026-11-28')).toEqual([waiver]);
  });

  it('lets its own rule, flow and profile pass, and nothing else', () => {
    const failing = (rule: Verdict['rule'], flow: Verdict['flow']): Verdict => ({
      ...{ rule, flow, word: 'slower', fails: true, told: '' },
    });
    const all = [failing('cpu', 'mixed'), failing('cpu', 'names'), failing('bus_overflow', 'mixed')];
    const waivers = [Waiver.parse(SOUND)];
    expect(unwaived(all, 'macronode', waivers)).toEqual(all.slice(1));
    expect(unwaived(all, 'micronode', waivers)).toEqual(all);
  });
});

describe('what is kept', () => {
  it('has waivers that are well formed', () => {
    const file = join(ROOT, 'k6', 'baselines', 'waivers.json');
    expect(() => WaiverFile.parse(JSON.parse(readFileSync(file, 'utf8')))).not.toThrow();
  });

  it.each(PROFILES)('has a baseline of the %s with its machine', (profile) => {
    expect(existsSync(baselineFile(profile))).toBe(true);
    expect(Baseline.parse(JSON.parse(readFileSync(baselineFile(profile), 'utf8'))).profile).toBe(profile);
  });
});
