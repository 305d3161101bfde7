import { ROUTES, SLOS } from '@macronode/contracts';
import { METRICS } from '../declared.ts';
import type { FaultName } from '../faults.ts';
import type { Alert, Severity } from './alert.ts';
import { windowSeconds } from './clock.ts';
import { RECORDED } from './recorded.ts';
import type { Signal, Signals } from './signal.ts';
import { SERVICE_OF, WATCHED, type WatchedSlo } from './slos.ts';
import { BURN_WINDOWS, type BurnWindows, WINDOWS } from './windows.ts';

interface Told {
  readonly name: string;
  readonly what: string;
  readonly impact: string;
  readonly faults: readonly FaultName[];
  /** Shedding is protection: nobody is woken for it. */
  readonly most?: Severity;
}

const TOLD: Readonly<Record<WatchedSlo, Told>> = {
  availability: {
    name: 'AvailabilityBudgetBurn',
    what: 'Answers that are 5xx',
    impact: 'Users see failures.',
    faults: ['omnigate_killed', 'omnigate_paused', 'storage_killed', 'storage_paused', 'redis_stopped'],
  },
  admission: {
    name: 'AdmissionBudgetBurn',
    what: 'Requests refused with 429 or 503',
    impact: 'Users are told to come back later: the node is given more than it can do.',
    faults: ['inflight_flood'],
    most: 'ticket',
  },
  object_get_latency: {
    name: 'ObjectGetLatencyBudgetBurn',
    what: 'Reads slower than their objective',
    impact: 'Users wait for what they read.',
    faults: ['redis_slow'],
  },
  object_put_latency: {
    name: 'ObjectPutLatencyBudgetBurn',
    what: 'Writes slower than their objective',
    impact: 'Users wait for what they write.',
    faults: ['redis_slow', 'disk_slow'],
  },
  registry_head_latency: {
    name: 'RegistryHeadLatencyBudgetBurn',
    what: 'Heads of the registry slower than their objective',
    impact: 'Whoever follows the log learns late that it moved.',
    faults: ['redis_slow'],
  },
  registry_entry_latency: {
    name: 'RegistryEntryLatencyBudgetBurn',
    what: 'Versions of the registry slower than their objective',
    impact: 'Readers that catch up wait for each version.',
    faults: ['redis_slow'],
  },
  registry_commit_latency: {
    name: 'RegistryCommitLatencyBudgetBurn',
    what: 'Commits slower than their objective',
    impact: 'Signers wait for what they approved.',
    faults: ['registry_disk_slow'],
  },
  bus_delivery: {
    name: 'BusDeliveryBudgetBurn',
    what: 'Messages refused at a full bound of the bus',
    impact: 'Requests are refused inside the node, and their users with them.',
    faults: ['bus_overflow'],
  },
};

const PER_SECOND = 1_000;

/** Events of an objective, so many a second, a share of them bad. */
function events(slo: WatchedSlo, bad: number, perSecond = PER_SECOND): Signal {
  const { bus, golden } = METRICS;
  const objective = SLOS[slo];
  switch (objective.kind) {
    case 'answers': {
      const code = (value: string, share: number) => ({
        name: golden.httpRequests.name,
        labels: { route: ROUTES.objectGet.template, method: 'GET', code: value },
        wave: { perSecond: share * perSecond },
      });
      return [code('200', 1 - bad), code('503', bad)];
    }
    case 'latency': {
      const [name = 'objectGet'] = objective.routes;
      const labels = { route: ROUTES[name].template, method: ROUTES[name].method };
      const { name: histogram } = golden.requestLatency;
      return [
        { name: `${histogram}_count`, labels, wave: { perSecond } },
        {
          name: `${histogram}_bucket`,
          labels: { ...labels, le: String(objective.boundSeconds) },
          wave: { perSecond: (1 - bad) * perSecond },
        },
      ];
    }
    case 'bus':
      return [
        { name: bus.published.name, wave: { perSecond } },
        { name: bus.overflow.name, labels: { gate: 'stream' }, wave: { perSecond: bad * perSecond } },
      ];
  }
}

function signals(slo: WatchedSlo, factor: number, shortSeconds: number): Signals {
  const spends = (burn: number): number => burn * (1 - SLOS[slo].objective);
  const value = Math.min(factor * 1.25, (factor + 1 / (1 - SLOS[slo].objective)) / 2);
  return {
    service: SERVICE_OF[slo],
    keeps: [],
    breaking: events(slo, spends(value)),
    holding: events(slo, spends(factor * 0.95)),
    idle: events(slo, 0, 0),
    calm: events(slo, 0),
    quiet: events(slo, 1, SLOS[slo].floorPerSecond / 2),
    value: () => value,
    settleSeconds: shortSeconds,
  };
}

function burnAlert(slo: WatchedSlo, windows: BurnWindows): Alert {
  const { name, what, impact, faults, most } = TOLD[slo];
  const { long, short, factor, forSeconds } = windows;
  const burning = (window: string): string => `${RECORDED.burnRate}{slo="${slo}",window="${window}"}`;
  const floor = SLOS[slo].floorPerSecond;
  return {
    name,
    severity: most ?? windows.severity,
    labels: { slo, service: SERVICE_OF[slo], window: long },
    expr: () => burning(long),
    comparison: '>',
    bound: {
      value: factor,
      unit: 'none',
      why: `At ${factor} the budget of the objective is gone in ${28 / factor} days.`,
    },
    guard: (clock) =>
      `on (slo) ${burning(short)} > ${factor} and on (slo) ` +
      `avg_over_time(${RECORDED.events}{slo="${slo}"}[${windowSeconds(clock, WINDOWS[long])}s]) > ${floor}`,
    unknownWithoutTraffic: `${RECORDED.burnRate}{slo="${slo}"}`,
    scale: 'budget',
    forSeconds,
    format: 'number',
    summary: (_labels, value) =>
      `${what} spend the budget of ${slo} at ${value} times the rate it lasts for (over ${long}; fires above ${factor}).`,
    impact,
    panel: { board: 'macronode-overview', title: 'Burn rate' },
    signals: signals(slo, factor, WINDOWS[short]),
    faults: windows.severity === 'page' ? faults : [],
    ...(windows.severity === 'ticket' && {
      unproduced: 'It takes an hour and more of its clock; the page of the same budget is made to fire.',
    }),
  };
}

/** Burn alerts on several windows, at the edge where users are and on the bus between. */
export const burnAlerts: readonly Alert[] = WATCHED.flatMap((slo) =>
  BURN_WINDOWS.map((windows) => burnAlert(slo, windows)),
);
