import { SLOS } from '@macronode/contracts';
import type { Bound } from '../bounds.ts';
import { page, table } from '../markdown.ts';
import { runbookUrl } from '../runbook/entry.ts';
import type { Alert } from './alert.ts';
import { ALERTS } from './alerts.ts';
import { DEMO_CLOCK, REAL_CLOCK, windowSeconds } from './clock.ts';
import { WATCHED } from './slos.ts';
import { BURN_WINDOWS, WINDOWS } from './windows.ts';

const MINUTES_OF_BUDGET = REAL_CLOCK.windowSeconds / 60;

const percent = (share: number): string => `${Number((share * 100).toFixed(4))} %`;
const span = (seconds: number): string => (seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`);

function indicator(slo: (typeof SLOS)[keyof typeof SLOS]): string {
  switch (slo.kind) {
    case 'answers':
      return `answers of the gateway whose code is not ${slo.badCodes.replaceAll('|', ' or ')}`;
    case 'latency':
      return `requests of ${slo.routes.join(', ')} answered within ${slo.boundSeconds * 1_000} ms, an exact edge of the histogram`;
    case 'bus':
      return 'frames offered to the bus that met no full bound';
  }
}

/** docs/slo.md: what is promised, how it is measured, and when somebody is told. */
export function sloPage(): string {
  const watched: readonly string[] = WATCHED;
  return page(
    'Service levels',
    'What is promised at the edge and on the bus, from `packages/contracts/src/slo.ts`. Rules, boards, k6 and this page read the same constants.',
    table(
      ['objective', 'good events', 'share', 'budget of 28 days', 'why', 'judged'],
      Object.entries(SLOS).map(([name, slo]) => [
        `\`${name}\``,
        indicator(slo),
        percent(slo.objective),
        `${percent(1 - slo.objective)}, ${Math.round(MINUTES_OF_BUDGET * (1 - slo.objective))} min of nothing but bad ones`,
        slo.why,
        watched.includes(name) ? 'always' : 'in load tests',
      ]),
    ),
    '## When somebody is told',
    'The burn rate is the share of bad events over the share that is allowed: at 1 the budget lasts exactly its window. Both windows must burn: the long one says that it matters, the short one that it still lasts. Below 0.1 events a second over the long window nobody is told.',
    table(
      ['told', 'burn rate above', 'long window', 'short window', 'for', 'the same on the 24-hour clock'],
      BURN_WINDOWS.map(({ severity, factor, long, short, forSeconds }) => [
        severity,
        factor,
        long,
        short,
        span(forSeconds),
        `${windowSeconds(DEMO_CLOCK, WINDOWS[long])} s and ${windowSeconds(DEMO_CLOCK, WINDOWS[short])} s`,
      ]),
    ),
    '## The 24-hour clock',
    'A budget of four weeks says nothing in a demonstration. `SLO_WINDOW=24h` mounts the same rules compiled for a window of one day and a scrape every two seconds: a budget burns, pages and recovers in one sitting. Windows keep the names they have on the real clock.',
  );
}

function spelled({ value, unit }: Bound): string {
  if (unit === 'percentunit') return percent(value);
  if (unit === 'bytes') return `${value / 1024 ** 3} GiB`;
  if (unit === 'Bps') return `${value / 1_000} kB/s`;
  return unit === 's' ? `${value} s` : String(value);
}

function compared({ comparison, bound }: Alert): string {
  if (bound === undefined) return comparison === 'always' ? 'always' : 'nothing is there';
  return `${comparison} ${spelled(bound)}`;
}

/** docs/alerts.md: every alert once, with its bound and the faults that were seen to produce it. */
export function alertsPage(): string {
  const rows = new Map<string, readonly string[]>();
  for (const alert of ALERTS) {
    const { name, severity, labels, bound, forSeconds, panel, faults, unproduced } = alert;
    const window = labels['window'];
    const key = window === undefined ? name : `${name} ${window}`;
    if (rows.has(key)) continue;
    rows.set(key, [
      `[${key}](${runbookUrl(name).replace(/^.*\//, '')})`,
      severity,
      compared(alert),
      span(forSeconds),
      bound?.why ?? alert.impact,
      `${panel.board} / ${panel.title}`,
      faults.length === 0 ? (unproduced ?? '') : faults.map((fault) => `\`${fault}\``).join(' '),
    ]);
  }
  return page(
    'Alerts',
    'Pages wake somebody, tickets wait for the morning. Each alert draws its bound on its panel, has a heading in the runbook, unit tests for promtool, and is made to fire by a fault of the verification where one can make it.',
    table(['alert', 'severity', 'fires when', 'for', 'why there', 'panel', 'produced by'], [...rows.values()]),
  );
}
