import { type AnySlo, ROUTES, type SloName, SLOS } from '@macronode/contracts';
import { METRICS } from '../declared.ts';
import type { RuleClock } from './clock.ts';
import { SCRAPES_MIN, windowSeconds } from './clock.ts';
import { RECORDED } from './recorded.ts';
import type { Recording } from './recording.ts';
import { WINDOWS, type WindowName } from './windows.ts';

/**
 * The objectives whose budgets are kept. `object_get_latency_far` is judged where its delay is injected, and the slowest
 * commits where there are a hundred of them: in load tests.
 */
export const WATCHED = [
  'availability',
  'admission',
  'object_get_latency',
  'object_put_latency',
  'registry_head_latency',
  'registry_entry_latency',
  'registry_commit_latency',
  'bus_delivery',
] as const satisfies readonly SloName[];
export type WatchedSlo = (typeof WATCHED)[number];

/** The service that is asked first when its budget burns. */
export const SERVICE_OF: Readonly<Record<WatchedSlo, string>> = {
  availability: 'gateway',
  admission: 'gateway',
  object_get_latency: 'gateway',
  object_put_latency: 'gateway',
  registry_head_latency: 'registry',
  registry_entry_latency: 'registry',
  registry_commit_latency: 'registry',
  bus_delivery: 'bus',
};

/** The window whose share of bad events the boards show as the current one. */
const CURRENT: WindowName = '5m';

const alternatives = (texts: readonly string[]): string => [...new Set(texts)].join('|');

/** Selectors of all events of an objective and of the bad or good ones among them. */
function eventsOf(slo: AnySlo): { readonly all: string; readonly bad?: string; readonly good?: string } {
  const { bus, golden } = METRICS;
  switch (slo.kind) {
    case 'answers':
      return {
        all: golden.httpRequests.name,
        bad: `${golden.httpRequests.name}{code=~"${slo.badCodes}"}`,
      };
    case 'latency': {
      const routes = slo.routes.map((name) => ROUTES[name]);
      const requests =
        `route=~"${alternatives(routes.map(({ template }) => template))}",` +
        `method=~"${alternatives(routes.map(({ method }) => method))}"`;
      const { name } = golden.requestLatency;
      return { all: `${name}_count{${requests}}`, good: `${name}_bucket{${requests},le="${slo.boundSeconds}"}` };
    }
    case 'bus':
      return { all: bus.published.name, bad: bus.overflow.name };
  }
}

const perSecond = (selector: string, range: number): string => `sum(rate(${selector}[${range}s]))`;

/** What every window is averaged from, so that a window of weeks reads few series. */
export function eventRecordings(clock: RuleClock): readonly Recording[] {
  const range = SCRAPES_MIN * clock.scrapeSeconds;
  return WATCHED.flatMap((slo) => {
    const { all, bad, good } = eventsOf(SLOS[slo]);
    const total = perSecond(all, range);
    const broken =
      good === undefined ? `${perSecond(bad ?? '', range)} or ${total} * 0` : `${total} - ${perSecond(good, range)}`;
    return [
      { record: RECORDED.events, labels: { slo }, expr: total },
      { record: RECORDED.badEvents, labels: { slo }, expr: broken },
    ];
  });
}

/** Share of bad events over so many seconds; no value without events. */
const badShare = (seconds: number): string =>
  `avg_over_time(${RECORDED.badEvents}[${seconds}s]) / (avg_over_time(${RECORDED.events}[${seconds}s]) > 0)`;

/** Digits an objective may have: `1 - objective` leaves dust behind them. */
const DIGITS = 6;
const burn = (seconds: number): string => `(${badShare(seconds)}) / on (slo) (1 - ${RECORDED.objective})`;

/** Objectives, burn rates and what is left of each budget. */
export function budgetRecordings(clock: RuleClock): readonly Recording[] {
  const share = badShare(windowSeconds(clock, WINDOWS[CURRENT]));
  return [
    ...WATCHED.map((slo) => ({
      record: RECORDED.objective,
      labels: { slo },
      expr: `vector(${Number(SLOS[slo].objective.toFixed(DIGITS))})`,
    })),
    { record: RECORDED.errorRatio, expr: share },
    ...Object.entries(WINDOWS).map(([window, real]) => ({
      record: RECORDED.burnRate,
      labels: { window },
      expr: burn(windowSeconds(clock, real)),
    })),
    { record: RECORDED.budgetLeft, expr: `1 - ${burn(clock.windowSeconds)}` },
  ];
}
