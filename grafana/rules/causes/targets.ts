import { SERVICES } from '@macronode/contracts';
import { METRICS } from '../../declared.ts';
import { BOUNDS } from '../../bounds.ts';
import type { Alert } from '../alert.ts';
import { RECORDED } from '../recorded.ts';
import { gauge } from '../promql.ts';
import type { Signal, Signals } from '../signal.ts';

const SCRAPE = { scale: 'scrape', format: 'number' } as const;
const TARGETS = { board: 'macronode-overview', title: 'Targets up' };
const READINESS = { board: 'macronode-overview', title: 'Readiness' };

const JOB = 'job="macronode"';

const others = (service: string): Signal =>
  SERVICES.filter((other) => other !== service).map((other) => ({
    name: 'up',
    labels: { service: other },
    wave: { gauge: 1 },
  }));

/** One service without a target, beside the others that are there. */
const gone = (service: string): Signals => ({
  service,
  keeps: [],
  breaking: [{ name: 'up', wave: 'missing' }, ...others(service)],
  holding: [{ name: 'up', wave: { gauge: 1 } }, ...others(service)],
  value: () => 1,
  settleSeconds: 0,
});

const absent = (service: string): Alert => ({
  ...SCRAPE,
  name: service === 'gateway' ? 'GatewayAbsent' : 'ServiceAbsent',
  severity: service === 'gateway' ? 'page' : 'ticket',
  labels: { service },
  expr: () => `absent(up{${JOB},service="${service}"} == 1)`,
  comparison: 'absent',
  forSeconds: 60,
  summary: (_labels, value) => `No ${service} has answered a scrape for a minute (absent: ${value}).`,
  impact:
    service === 'gateway'
      ? 'Nobody is served: there is no public face.'
      : `Every request that needs ${service} is refused.`,
  panel: TARGETS,
  ...(service !== 'gateway' && { cause: 'dependency' as const }),
  signals: gone(service),
  faults:
    service === 'gateway'
      ? ['gateway_killed']
      : service === 'omnigate'
        ? ['omnigate_killed']
        : service === 'storage'
          ? ['storage_killed']
          : service === 'registry'
            ? ['registry_killed']
            : [],
  ...(service === 'index' || service === 'mailbox'
    ? { unproduced: `The same rule as for storage, whose fault is made; ${service} differs by its name.` }
    : {}),
});

const readiness = (state: number, before: number, others: Signal = []): Signals => ({
  service: 'storage',
  keeps: ['service', 'instance'],
  breaking: [{ name: METRICS.state.readyz.name, wave: { gauge: state } }, ...others],
  holding: [{ name: METRICS.state.readyz.name, wave: { gauge: before } }, ...others],
  value: () => state,
  settleSeconds: 0,
});

const ready = (): string => gauge('min', METRICS.state.readyz, 'service, instance');

/** A replica of the registry refuses writes by its nature. */
const FOLLOWS = { name: METRICS.state.config.name, labels: { key: 'follow' } };
const readyForWrites = (): string =>
  `(${ready()} unless on (service, instance) ${FOLLOWS.name}{key="${FOLLOWS.labels.key}"} == 1)`;

/** Whether processes are there at all, and whether they say that they can work. */
export const targetAlerts: readonly Alert[] = [
  {
    ...SCRAPE,
    name: 'Watchdog',
    severity: 'info',
    labels: { service: 'monitoring' },
    expr: () => 'vector(1)',
    comparison: 'always',
    forSeconds: 0,
    summary: (_labels, value) => `Rules are evaluated and alerts arrive (${value}).`,
    impact: 'None: it always fires. When it does not, nobody would be told of anything.',
    panel: { board: 'macronode-overview', title: 'Alerts firing' },
    signals: { service: 'gateway', keeps: [], breaking: [], holding: [], value: () => 1, settleSeconds: 0 },
    faults: [],
    unproduced: 'It always fires.',
  },
  {
    ...SCRAPE,
    name: 'TargetDown',
    severity: 'ticket',
    labels: {},
    expr: () => `min by (service, instance) (up{${JOB}})`,
    comparison: '==',
    bound: { value: 0, unit: 'none', why: 'A scrape is answered or it is not.' },
    forSeconds: 30,
    summary: ({ service, instance }, value) =>
      `${service} at ${instance} has not answered a scrape for 30 s (up: ${value}).`,
    impact: 'The process is gone, stopped or too busy; its requests wait, fail or are taken over by another one.',
    panel: TARGETS,
    cause: 'dependency',
    signals: {
      service: 'storage',
      keeps: ['service', 'instance'],
      breaking: [{ name: 'up', wave: { gauge: 0 } }],
      holding: [{ name: 'up', wave: { gauge: 1 } }],
      value: () => 0,
      settleSeconds: 0,
    },
    faults: [
      'gateway_killed',
      'omnigate_killed',
      'omnigate_paused',
      'storage_killed',
      'storage_paused',
      'index_paused',
      'mailbox_paused',
      'registry_killed',
    ],
  },
  ...SERVICES.map(absent),
  {
    ...SCRAPE,
    name: 'ServiceNotReady',
    severity: 'ticket',
    labels: {},
    expr: ready,
    comparison: '<',
    bound: { value: 1, unit: 'none', why: 'Below it a process serves neither reads nor writes.' },
    forSeconds: 60,
    summary: ({ service, instance }, value) =>
      `${service} at ${instance} has not been ready for a minute (state ${value}).`,
    impact: 'It takes no requests; what needs it is refused with 503.',
    panel: READINESS,
    signals: readiness(0, 1),
    faults: ['redis_stopped'],
  },
  {
    ...SCRAPE,
    name: 'ServiceReadOnly',
    severity: 'ticket',
    labels: {},
    expr: readyForWrites,
    comparison: '==',
    bound: { value: 1, unit: 'none', why: 'At it a process serves reads and refuses writes.' },
    forSeconds: 120,
    summary: ({ service, instance }, value) =>
      `${service} at ${instance} has refused writes for two minutes (state ${value}).`,
    impact: 'Reads are served, every write is refused with 503.',
    panel: READINESS,
    signals: readiness(1, 2, [{ ...FOLLOWS, wave: { gauge: 0 } }]),
    faults: ['disk_full'],
  },
  {
    ...SCRAPE,
    name: 'RestartLoop',
    severity: 'ticket',
    labels: {},
    expr: () => RECORDED.restarts,
    comparison: '>',
    bound: BOUNDS.restarts,
    forSeconds: 0,
    summary: ({ service, instance }, value) =>
      `${service} at ${instance} has started again ${value} times in 15 minutes.`,
    impact: 'It ends soon after every start: requests it holds then are repeated or lost to their callers.',
    panel: { board: 'macronode-resources', title: 'Starts' },
    cause: 'dependency',
    signals: {
      service: 'storage',
      keeps: ['service', 'instance'],
      breaking: [{ name: METRICS.process.startTime.name, wave: { rises: 4 } }],
      holding: [{ name: METRICS.process.startTime.name, wave: { rises: 3 } }],
      value: () => 4,
      settleSeconds: 960,
    },
    faults: ['restart_loop'],
  },
];
