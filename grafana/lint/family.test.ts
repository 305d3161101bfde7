import { describe, expect, it } from 'vitest';
import { BOUNDS } from '../bounds.ts';
import { BOARDS } from '../boards/index.ts';
import { DECLARED, METRICS } from '../declared.ts';
import type { Alert } from '../rules/alert.ts';
import { ALERTS } from '../rules/alerts.ts';
import { RECORDED } from '../rules/recorded.ts';
import { CATALOGUE } from './catalogue.ts';
import { familyFindings, type Surroundings } from './family.ts';
import { lintBoards, subjectOf, SURROUNDINGS } from './index.ts';
import type { Finding } from './rule.ts';
import { SOUND_BOARD, withPanel } from './sound-board-fixture.ts';

const EVERYTHING_EXCUSED = Object.fromEntries([...DECLARED.keys()].map((name) => [name, 'Not here.']));

const around = (changes: Partial<Surroundings> = {}): Surroundings => ({
  alerts: [],
  expressions: [],
  unused: {},
  catalogue: CATALOGUE,
  ...changes,
});

const [RECONNECTING] = ALERTS.filter(({ name }) => name === 'BusReconnecting');
if (RECONNECTING === undefined) throw new Error('there is no alert BusReconnecting');
const ALERT: Alert = { ...RECONNECTING, panel: { board: SOUND_BOARD.uid, title: 'Reconnects' } };

const saysOf = (rule: string, findings: readonly Finding[]): string =>
  findings
    .filter((finding) => finding.rule === rule)
    .map(({ says }) => says)
    .join('\n');

const sound = (surroundings: Surroundings): readonly Finding[] =>
  familyFindings([subjectOf(SOUND_BOARD)], surroundings);

describe('our boards', () => {
  it('break no rule', () => {
    expect(lintBoards(BOARDS)).toEqual([]);
  });

  it('go blank with a renamed metric, and the lint says so', () => {
    const name = METRICS.bus.requests.name;
    const renamed = new Map([...DECLARED].filter(([declared]) => declared !== name));
    renamed.set('bus_calls_total', { ...METRICS.bus.requests, name: 'bus_calls_total' });
    const says = saysOf('L4', lintBoards(BOARDS, { ...SURROUNDINGS, catalogue: { ...CATALOGUE, declared: renamed } }));
    expect(says).toContain(`${name} is declared nowhere`);
    expect(says).toContain('bus_calls_total is on no panel');
  });
});

describe('between boards', () => {
  it.each([
    ['one uid for two', 'L9', [SOUND_BOARD, SOUND_BOARD], /this uid/],
    ['one title for two', 'L9', [SOUND_BOARD, { ...SOUND_BOARD, uid: 'macronode-other' }], /two boards are called/],
    ['a heading the runbook has not', 'L9', [withPanel('Rate', { runbook: 'Nowhere' })], /no heading .* Nowhere/],
    ['a query asked three times', 'D12', [1, 2, 3].map((n) => ({ ...SOUND_BOARD, uid: `macronode-${n}` })), /record it/],
    ['a panel excused for no service', 'L9', [withPanel('Rate', { evidence: { sane: [0, 1], services: [] } })], /for no service/],
  ])('%s is found', (_what, rule, boards, says) => {
    expect(saysOf(rule, familyFindings(boards.map((board) => subjectOf(board)), around({ alerts: [ALERT] })))).toMatch(says);
  }); // prettier-ignore
});

describe('between alerts and panels', () => {
  it('nothing is wrong when the panel draws the series and the bound', () => {
    expect(saysOf('L9', sound(around({ alerts: [ALERT] })))).toBe('');
  });

  it('one of the bounds is enough for an alert of several windows', () => {
    const slower = { ...ALERT, bound: BOUNDS.bus_outcome_unknown };
    expect(saysOf('L9', sound(around({ alerts: [ALERT, slower] })))).toBe('');
  });

  it.each([
    ['a panel that is not there', { panel: { board: SOUND_BOARD.uid, title: 'Gone' } }, /not there: Gone/],
    ['a panel that draws another series', { expr: () => RECORDED.busOverflow }, /does not draw it/],
    ['a panel with another line', { bound: BOUNDS.bus_group_lag }, /compares with 5, its panel draws 0.05/],
    ['a floor drawn as a ceiling', { comparison: '<' as const }, /compares with/],
  ])('%s is found', (_what, change, says) => {
    expect(saysOf('L9', sound(around({ alerts: [{ ...ALERT, ...change }] })))).toMatch(says);
  });
});

describe('between declarations and what uses them', () => {
  it('a metric that nobody shows is found', () => {
    expect(saysOf('L4', sound(around()))).toContain(`${METRICS.storage.diskFree.name} is on no panel`);
  });

  it('a metric in a rule is used', () => {
    const { name } = METRICS.storage.diskFree;
    expect(saysOf('L4', sound(around({ expressions: [name] })))).not.toContain(name);
  });

  it('an excuse for a metric that is used is found, and one for a metric nobody declares', () => {
    const says = saysOf('L4', sound(around({ unused: { ...EVERYTHING_EXCUSED, gone_total: 'Not here.' } })));
    expect(says).toContain(`${METRICS.bus.requests.name} is left out, and used`);
    expect(says).toContain('gone_total is left out, and declared nowhere');
  });

  it('a rule that asks for a series nobody declares is found', () => {
    expect(saysOf('L4', sound(around({ expressions: ['no_such_series > 0'] })))).toMatch(/a rule: no_such_series/);
  });
});
