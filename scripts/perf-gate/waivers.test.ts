import { describe, expect, it } from 'vitest';
import { MUST_FIX, WAIVABLE } from './rules.ts';
import { parseWaivers, readWaivers, waiverFor } from './waivers.ts';

const NOW = new Date('2030-03-05T12:00:00Z');
const WAIVER = {
  rule: 'cpu',
  flow: 'objects',
  profile: 'micronode',
  cause: 'fastify 9.1.0 parses every header twice since its pull request 1234',
  link: 'https://github.com/fastify/fastify/issues/1234',
  approver: 'Ada',
  baseline: { file: 'k6/baselines/micronode.json', commit: 'a'.repeat(40) },
  granted: '2030-03-01',
  expires: '2030-03-08',
};
const parse = (...list: readonly unknown[]) => parseWaivers(JSON.stringify(list), NOW);

describe('the waiver file', () => {
  it('allows one rule of one flow of one profile', () => {
    const waivers = parse(WAIVER);
    expect(waivers).toEqual({ valid: [WAIVER], faults: [] });
    expect(waiverFor(waivers, { rule: 'cpu', flow: 'objects', profile: 'micronode' })).toEqual(WAIVER);
    expect(waiverFor(waivers, { rule: 'cpu', flow: 'puts', profile: 'micronode' })).toBeUndefined();
    expect(waiverFor(waivers, { rule: 'p95', flow: 'objects', profile: 'micronode' })).toBeUndefined();
    expect(waiverFor(waivers, { rule: 'cpu', flow: 'objects', profile: 'macronode' })).toBeUndefined();
  });

  it('need not be there', () => {
    expect(readWaivers('/nowhere/waivers.json', NOW)).toEqual({ valid: [], faults: [] });
  });

  it.each(WAIVABLE)('may waive %s', (rule) => {
    expect(parse({ ...WAIVER, rule }).faults).toEqual([]);
  });

  it.each(MUST_FIX)('never waives %s', (rule) => {
    const { valid, faults } = parse({ ...WAIVER, rule });
    expect(valid).toEqual([]);
    expect(faults.join()).toContain('must be fixed');
  });

  it.each(Object.keys(WAIVER))('demands %s', (field) => {
    const { [field]: _, ...rest } = WAIVER as Record<string, unknown>;
    const { valid, faults } = parse(rest);
    expect(valid).toEqual([]);
    expect(faults.join()).toContain(field);
  });

  it.each([
    ['a flow that is none', { flow: 'teleport' }, 'flow'],
    ['a cause of a word', { cause: 'noise' }, 'cause'],
    ['a link that is none', { link: 'see chat' }, 'link'],
    ['a link without TLS', { link: 'http://example.com' }, 'link'],
    ['a baseline that is none of ours', { baseline: { file: '/etc/passwd', commit: 'a'.repeat(40) } }, 'baseline.file'],
    ['a short commit', { baseline: { ...WAIVER.baseline, commit: 'abc' } }, 'baseline.commit'],
    ['a field nobody reads', { forever: true }, 'forever'],
    ['more than seven days', { expires: '2030-03-09' }, '7 days'],
    ['an end before its beginning', { expires: '2030-02-28' }, 'before it is granted'],
    ['a day that has passed', { granted: '2030-02-26', expires: '2030-03-04' }, 'expired after 2030-03-04'],
    ['a day to come', { granted: '2030-03-07' }, 'future'],
  ])('refuses %s', (_what, change, fault) => {
    const { valid, faults } = parse({ ...WAIVER, ...change });
    expect(valid).toEqual([]);
    expect(faults.join()).toContain(fault);
  });

  it('holds on its last day', () => {
    expect(parse({ ...WAIVER, granted: '2030-03-01', expires: '2030-03-05' }).faults).toEqual([]);
  });

  it('is a fault when it is no list of JSON', () => {
    expect(parseWaivers('{', NOW).faults).toHaveLength(1);
    expect(parseWaivers('{}', NOW).faults).toEqual(['the waiver file holds no list']);
  });
});
