import { describe, expect, it } from 'vitest';
import { BOARDS } from '../../boards/index.ts';
import type { DashboardJson, PanelJson, VariableJson } from '../../panels/json.ts';
import { linterFindingsOf, subjectOf } from '../index.ts';
import type { Subject } from '../rule.ts';
import { SOUND_BOARD, withQuery } from '../sound-board-fixture.ts';
import { lintFile } from './exclusions.ts';
import { linterRules } from './linter-rules.ts';

const edited = (change: (json: DashboardJson) => object): Subject => {
  const subject = subjectOf(SOUND_BOARD);
  return { ...subject, json: { ...subject.json, ...change(subject.json) } };
};

const variables = (change: (variable: VariableJson) => VariableJson | undefined): Subject =>
  edited(({ templating: { list } }) => ({ templating: { list: list.flatMap((variable) => change(variable) ?? []) } }));

const panels = (change: (panel: PanelJson) => object): Subject =>
  edited((json) => ({
    panels: json.panels.map((panel) => ({
      ...panel,
      ...(panel.type !== 'row' && change(panel)),
      panels: (panel.panels ?? []).map((inner) => ({ ...inner, ...change(inner) })),
    })),
  }));

const S = 'job=~"$job",instance=~"$instance"';
const query = (expr: string): Subject => subjectOf(withQuery('Rate', expr));

const SEEDED: readonly (readonly [rule: string, what: string, subject: Subject])[] = [
  ['template-datasource-rule', 'a source variable of another name', variables((v) => (v.type === 'datasource' ? { ...v, name: 'datasource' } : v))],
  ['template-job-rule', 'no job', variables((v) => (v.name === 'job' ? undefined : v))],
  ['template-instance-rule', 'All that is not .+', variables((v) => (v.name === 'instance' ? { ...v, allValue: '.*' } : v))],
  ['template-label-promql-rule', 'a variable that is no label_values', variables((v) => (v.name === 'job' ? { ...v, query: { query: 'up{' } } : v))],
  ['template-on-time-change-reload-rule', 'a variable read once', variables((v) => ({ ...v, refresh: 1 }))],
  ['panel-datasource-rule', 'a fixed source', panels(() => ({ datasource: { uid: 'prometheus' } }))],
  ['panel-title-description-rule', 'no description', panels(() => ({ description: '' }))],
  ['panel-units-rule', 'no unit', panels(() => ({ fieldConfig: { defaults: {} } }))],
  ['panel-no-targets-rule', 'no target', panels(() => ({ targets: [] }))],
  ['target-promql-rule', 'a brace too few', query('sum (up{)')],
  ['target-rate-interval-rule', 'five minutes', query(`sum (rate(bus_requests_total{${S}}[5m]))`)],
  ['target-job-rule', 'no job matcher', query('sum (rate(bus_requests_total{instance=~"$instance"}[$__rate_interval]))')],
  ['target-instance-rule', 'no instance matcher', query('sum (rate(bus_requests_total{job=~"$job"}[$__rate_interval]))')],
  ['target-counter-agg-rule', 'a counter as it is', query(`sum (bus_requests_total{${S}})`)],
  ['uneditable-dashboard', 'an editable dashboard', edited(() => ({ editable: true }))],
]; // prettier-ignore

describe('the rules of grafana/dashboard-linter', () => {
  it('say nothing of a sound board', () => {
    expect(linterFindingsOf(subjectOf(SOUND_BOARD))).toEqual([]);
  });

  it.each(SEEDED)('%s sees %s', (rule, _what, subject) => {
    expect(linterFindingsOf(subject).map((finding) => finding.rule)).toContain(rule);
  });

  it('are each shown to bite', () => {
    expect(SEEDED.map(([rule]) => rule).toSorted()).toEqual(linterRules.map(({ name }) => name).toSorted());
  });
});

describe('the exclusions', () => {
  const file = lintFile(BOARDS.map((board) => subjectOf(board)));

  it('name a target each, and a reason for each rule', () => {
    const rules = file.match(/^ {2}[a-z-]+:$/gm) ?? [];
    expect(rules).toHaveLength(2);
    expect(file.match(/^ {4}reason: '.{20,}'$/gm)).toHaveLength(rules.length);
    const panelsNamed = file.match(/^ {8}panel: /gm)?.length;
    expect(file.match(/^ {8}targetIdx: '\d+'$/gm)).toHaveLength(panelsNamed ?? 0);
  });

  it('leave out no target whose series could carry the variable', () => {
    const careless = query('sum (rate(bus_requests_total[$__rate_interval])) + max (service:bus_overflow:ratio)');
    expect(linterFindingsOf(careless).map(({ rule }) => rule)).toContain('target-job-rule');
  });
});
