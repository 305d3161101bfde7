import { ERROR_CODES } from '@macronode/contracts';
import { describe, expect, it } from 'vitest';
import { FAULT_NAMES } from '../faults.ts';
import { CATALOGUE, seriesOf } from '../lint/catalogue.ts';
import { keptLabels } from '../lint/kept-labels.ts';
import { selectorsIn, syntaxError } from '../lint/promql.ts';
import { ALERTS } from '../rules/alerts.ts';
import { anchorOf, runbookUrl } from './entry.ts';
import { ALERT_ENTRIES, ERROR_ENTRIES, RUNBOOK, runbookSteps } from './index.ts';
import { runbookPage } from './page.ts';
import { isDiagnosis, queryOf, WALKS } from './walks.ts';

const page = runbookPage();
const words = (text: string): readonly string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word);
const RATES = new Set(['rate', 'irate', 'increase']);

describe('the runbook', () => {
  it('has a heading for every alert, and none is left over', () => {
    expect(new Set(Object.keys(ALERT_ENTRIES))).toEqual(new Set(ALERTS.map(({ name }) => name)));
  });

  it('has a heading for every error code, and none is left over', () => {
    expect(new Set(Object.keys(ERROR_ENTRIES))).toEqual(new Set(ERROR_CODES));
  });

  it('says for each what happened, how to find out why, and how it is mended', () => {
    for (const [heading, { meaning, steps, mend }] of RUNBOOK) {
      expect(meaning, heading).toMatch(/\.$/);
      expect(steps.length, heading).toBeGreaterThanOrEqual(2);
      expect(mend.length, heading).toBeGreaterThanOrEqual(1);
      for (const { query, command, expect: answer } of steps) {
        expect(query !== undefined || command !== undefined, heading).toBe(true);
        expect(answer, heading).toBeTruthy();
      }
    }
  });

  it('says nothing twice: no two entries share a meaning, a mend, or all their questions', () => {
    const distinct = (texts: readonly string[]): void => expect(new Set(texts).size).toBe(texts.length);
    const entries = [...RUNBOOK.values()];
    distinct(entries.map(({ meaning }) => meaning));
    distinct(entries.map(({ mend }) => mend.join()));
    distinct(entries.map(({ steps }) => steps.map(({ query, command }) => query ?? command).join()));
  });
});

describe('the page', () => {
  const anchors = [...page.matchAll(/^### (\S+)$/gm)].map(([, heading = '']) => anchorOf(heading));

  it('has each heading once, each with an anchor of its own', () => {
    expect(anchors).toEqual([...RUNBOOK.keys()].map(anchorOf));
    expect(new Set(anchors).size).toBe(anchors.length);
  });

  it('links only to headings that are there, and to each', () => {
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor);
    expect(new Set(links)).toEqual(new Set(anchors));
  });

  it('is where alerts point', () => {
    for (const { name } of ALERTS) expect(anchors).toContain(runbookUrl(name).split('#')[1]);
  });
});

describe('names in the prose', () => {
  const named = [...RUNBOOK.values()].flatMap(({ meaning, steps, mend }) =>
    [meaning, ...mend, ...steps.flatMap(({ say, expect: answer = '' }) => [say, answer])].flatMap(words),
  );

  it('of alerts are headings', () => {
    const alerts = named.filter((word) => /^(?:[A-Z][a-z]+){2,}$/.test(word));
    expect(alerts.length).toBeGreaterThan(0);
    for (const alert of alerts) expect(Object.keys(ALERT_ENTRIES)).toContain(alert);
  });

  it('of metrics are declared', () => {
    const metrics = named.filter((word) => /_(total|seconds|bytes)$/.test(word));
    for (const metric of metrics) {
      const known = CATALOGUE.declared.has(metric) || NAMED_LIKE_METRICS.has(metric);
      expect(known, metric).toBe(true);
    }
  });
});

/** Gates and reasons whose names end like those of metrics. */
const NAMED_LIKE_METRICS = new Set(['client_bytes', 'store_bytes', 'mailbox_payload_bytes']);

describe.each(runbookSteps().map((step) => [`${step.heading} ${step.step}`, step.query] as const))(
  '%s',
  (_at, query) => {
    it('is PromQL', () => {
      expect(syntaxError(query)).toBeUndefined();
    });

    it('names series and labels that exist, and values that are counted', () => {
      for (const { metric, matchers, rangeFunction } of selectorsIn(query)) {
        const series = seriesOf(CATALOGUE, metric);
        expect(series, metric).toBeDefined();
        const counts = series?.kind === 'counter' || series?.kind === 'bucket' || series?.kind === 'part';
        expect(rangeFunction !== undefined && RATES.has(rangeFunction), metric).toBe(counts);
        for (const { label, operator, value } of matchers) {
          expect(series?.labels, `${metric}{${label}}`).toContain(label);
          const values: unknown = series?.declaration?.labels[label];
          // Services add reasons and settings of their own: those are held against a running node.
          const isOfService = label === 'reason' || label === 'key';
          if (operator === '=' && Array.isArray(values) && !isOfService) expect(values, metric).toContain(value);
        }
      }
    });
  },
);

describe('walks', () => {
  const labelsOf = (metric: string) => seriesOf(CATALOGUE, metric)?.labels;

  it('are a dozen and more, of different faults', () => {
    expect(new Set(WALKS.map(({ fault }) => fault)).size).toBeGreaterThanOrEqual(12);
    for (const { fault } of WALKS) expect(FAULT_NAMES.slice(0, -3)).toContain(fault);
  });

  it.each(WALKS.map((walk) => [walk.fault, walk.entry, walk] as const))(
    'from %s by %s end in labels the answer carries',
    (_fault, _entry, walk) => {
      const kept = keptLabels(queryOf(walk), labelsOf);
      for (const label of Object.keys(walk.shows.labels)) expect([...kept]).toContain(label);
    },
  );

  it('follow an alert their fault produces, or an error', () => {
    for (const { fault, entry } of WALKS) {
      const alerts = ALERTS.filter(({ name }) => name === entry);
      const produced = alerts.some(({ faults }) => faults.includes(fault));
      expect(produced || alerts.length === 0, `${fault} by ${entry}`).toBe(true);
    }
  });

  it('are at their end when a series has the labels and the value', () => {
    const full = { labels: { reason: 'no_space' }, comparison: '>', value: 0 } as const;
    expect(isDiagnosis(full, { service: 'storage', reason: 'no_space' }, 0.1)).toBe(true);
    expect(isDiagnosis(full, { service: 'storage', reason: 'no_space' }, 0)).toBe(false);
    expect(isDiagnosis(full, { reason: 'busy' }, 0.1)).toBe(false);
    expect(isDiagnosis({ labels: {}, comparison: '==', value: 0 }, {}, 0)).toBe(true);
    expect(isDiagnosis({ labels: {}, comparison: '<', value: 2 }, {}, 2)).toBe(false);
  });
});
