import { ROUTES } from '@macronode/contracts';
import { BOUNDS } from '../bounds.ts';
import { METRICS } from '../declared.ts';
import { ALLOWED, BUDGET_SPENT, BURN_PAGE } from '../objectives.ts';
import type { Board, BoardRow } from '../panel.ts';
import { ratio, series, top } from '../series.ts';
import { buildRow } from './build-row.ts';
import { FAILED, ofRoute, SHED } from './edge.ts';
import { bucketsOf, percentiles } from './latency.ts';
import { SANE } from './sane.ts';
import { heatmap, lines, number, states, table } from './sizes.ts';
import { slowTraces, TRACES_OF_ROUTE } from './traces.ts';
import { FLEET_VARIABLES } from './variables.ts';

const fleet = series();
const edge = series('gateway', { everyInstance: true });
const { golden, state } = METRICS;

const READ = ofRoute(ROUTES.objectGet);
const WRITE = ofRoute(ROUTES.objectPut);

const users: BoardRow = {
  title: 'Are users happy',
  about: 'slo',
  collapsed: false,
  panels: [
    number({
      title: 'Errors',
      what: 'Share of answers that are 5xx, now.',
      good: 'below the objective.',
      bad: 'the board of the gateway names the code and the route.',
      runbook: 'AvailabilityBudgetBurn',
      unit: 'percentunit',
      targets: [
        { expr: ratio(edge.rate(golden.httpRequests, '', FAILED), edge.rate(golden.httpRequests, '')), legend: '5xx' },
      ],
      limit: ALLOWED.availability,
      breach: 'failure',
      evidence: { sane: SANE.share },
    }),
    number({
      title: 'Refused',
      what: 'Share of answers that are 429 or 503, now.',
      good: 'below the objective at rated load.',
      bad: 'refusals by reason say which bound is full.',
      runbook: 'AdmissionBudgetBurn',
      unit: 'percentunit',
      targets: [
        {
          expr: ratio(edge.rate(golden.httpRequests, '', SHED), edge.rate(golden.httpRequests, '')),
          legend: 'refused',
        },
      ],
      limit: ALLOWED.admission,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
    number({
      title: 'Reading an object, p95',
      what: 'Time to answer a GET of an object, 95th percentile.',
      good: 'under the objective.',
      bad: 'compare the bus and the first byte of storage.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: [{ expr: edge.quantile(0.95, golden.requestLatency, '', READ), legend: 'p95', exemplar: true }],
      limit: ALLOWED.object_get_latency,
      breach: 'failure',
      traces: slowTraces(ALLOWED.object_get_latency.value),
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Writing an object, p95',
      what: 'Time to answer a PUT of an object, 95th percentile.',
      good: 'under the objective.',
      bad: 'compare the durable write of storage; the rest is the upload of the client.',
      runbook: 'ObjectPutLatencyBudgetBurn',
      unit: 's',
      targets: [{ expr: edge.quantile(0.95, golden.requestLatency, '', WRITE), legend: 'p95', exemplar: true }],
      limit: ALLOWED.object_put_latency,
      breach: 'failure',
      traces: slowTraces(ALLOWED.object_put_latency.value),
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Bus refusals',
      what: 'Share of messages refused at a full bound of the bus: the worst service.',
      good: 'below the objective.',
      bad: 'the board of the bus names the gate.',
      runbook: 'BusDeliveryBudgetBurn',
      unit: 'percentunit',
      targets: [{ expr: `max (${fleet.recorded('busOverflow')})`, legend: 'worst service' }],
      limit: ALLOWED.bus_delivery,
      breach: 'saturation',
      evidence: { sane: SANE.share, services: ['gateway', 'omnigate'] },
    }),
    number({
      title: 'Error budget left',
      what: 'Share of the error budget left over the window of the objective: the objective closest to its end.',
      good: 'above zero, falling slowly.',
      bad: 'stop what is risky; burn rate by objective says which one pays.',
      runbook: 'AvailabilityBudgetBurn',
      unit: 'percentunit',
      targets: [{ expr: `min (${fleet.recorded('budgetLeft')})`, legend: 'least' }],
      limit: BUDGET_SPENT,
      breach: 'failure',
      floor: true,
      evidence: { sane: [-1e6, 1] },
    }),
  ],
};

const budgets: BoardRow = {
  title: 'Objectives and their budgets',
  about: 'slo',
  collapsed: false,
  panels: [
    lines({
      title: 'Burn rate',
      what: 'Budget spent per budget given, by objective and window; 1 spends exactly the budget.',
      good: 'below 1 over the long windows.',
      bad: 'both windows of a page above the line: users notice now.',
      runbook: 'AvailabilityBudgetBurn',
      unit: 'none',
      targets: [{ expr: top(20, fleet.recorded('burnRate')), legend: '{{slo}} {{window}}' }],
      limit: BURN_PAGE,
      breach: 'failure',
      evidence: { sane: [0, 1e6] },
    }),
    lines({
      title: 'Error budget left by objective',
      what: 'Share of each error budget left over the whole window.',
      good: 'falls slower than time passes.',
      bad: 'a step is one incident: look at the annotations below it.',
      runbook: 'AvailabilityBudgetBurn',
      unit: 'percentunit',
      targets: [{ expr: fleet.recorded('budgetLeft'), legend: '{{slo}}' }],
      limit: BUDGET_SPENT,
      breach: 'failure',
      floor: true,
      evidence: { sane: [-1e6, 1] },
    }),
    lines({
      title: 'Bad events by objective',
      what: 'Share of events that break each objective, over its shortest window; dashed what may.',
      good: 'each under its dashed line.',
      bad: 'the objective names where to look: edge, bus or storage.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 'percentunit',
      targets: [
        { expr: fleet.recorded('errorRatio'), legend: '{{slo}}' },
        { expr: `1 - ${fleet.recorded('objective')}`, legend: '{{slo}} allowed', dashed: 'limit' },
      ],
      evidence: { sane: SANE.share },
    }),
  ],
};

const goldenSignals: BoardRow = {
  title: 'Rate, errors, duration and saturation at the edge',
  about: 'red',
  collapsed: false,
  panels: [
    lines({
      title: 'Requests',
      what: 'Answers per second by route template and method, the busiest fifteen.',
      good: 'follows the load.',
      bad: 'a route that falls to zero has lost its callers or its service.',
      runbook: 'GatewayAbsent',
      unit: 'reqps',
      targets: [{ expr: top(15, edge.rate(golden.httpRequests, 'route, method')), legend: '{{method}} {{route}}' }],
      stacked: true,
      traces: TRACES_OF_ROUTE,
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Answers by code',
      what: 'Answers per second by status code.',
      good: '2xx and 304.',
      bad: '502 and 503 name a dependency, 4xx a caller, 500 a defect.',
      runbook: 'AvailabilityBudgetBurn',
      unit: 'reqps',
      targets: [{ expr: top(20, edge.rate(golden.httpRequests, 'code')), legend: '{{code}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Refusals by reason',
      what: 'Requests refused per second, by service and reason, and all of them.',
      good: 'zero at rated load.',
      bad: 'the reason is the bound or the check that refused.',
      runbook: 'AdmissionBudgetBurn',
      unit: 'ops',
      targets: [
        { expr: `${top(12, fleet.rate(golden.rejected, 'service, reason'))} > 0`, legend: '{{service}} {{reason}}' },
        { expr: fleet.rate(golden.rejected, ''), legend: 'all' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
    heatmap({
      title: 'Time to answer',
      what: 'How many requests took how long, from the header read to the answer sent; dots are traces.',
      good: 'one band, well under the objectives.',
      bad: 'a second band is a dependency that waits: follow a dot above it.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: bucketsOf(edge, golden.requestLatency),
      traces: slowTraces(ALLOWED.object_get_latency.value),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Time to answer, percentiles',
      what: 'The same as percentiles over all routes; long polls of the mailbox are among them.',
      good: 'p95 flat.',
      bad: 'p99 alone: one route or one instance. All three: everything waits for the same thing.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: percentiles(edge, golden.requestLatency),
      traces: slowTraces(ALLOWED.object_get_latency.value),
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Gate fill at the edge',
      what: 'Requests in flight over what one gateway admits.',
      good: 'far below the line.',
      bad: 'a slow dependency or slow clients hold them; the next ones are refused.',
      runbook: 'GatewayNearCapacity',
      unit: 'percentunit',
      targets: [{ expr: edge.recorded('gatewayInflight'), legend: '{{instance}}' }],
      limit: BOUNDS.gateway_inflight,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
  ],
};

const health: BoardRow = {
  title: 'Alerts, targets and readiness',
  about: 'dependencies',
  collapsed: false,
  panels: [
    table({
      title: 'Alerts firing',
      what: 'Every alert that fires now. The watchdog always does: without it the rules are not evaluated.',
      good: 'the watchdog alone.',
      bad: 'begin with pages, then with causes; the runbook has a heading for each name.',
      runbook: 'Watchdog',
      unit: 'none',
      targets: [
        {
          expr: 'max by (alertname, severity, service, slo) (ALERTS{alertstate="firing"})',
          legend: '{{alertname}} {{service}}',
        },
      ],
      width: 8,
      evidence: { sane: [1, 1] },
    }),
    states({
      title: 'Targets up',
      what: 'Whether each process answers its scrape.',
      good: 'up.',
      bad: 'down: the process is gone, stopped or too busy to answer in time.',
      runbook: 'TargetDown',
      unit: 'none',
      targets: [
        {
          expr: 'max by (service, instance) (up{job=~"$job",service=~"$service",instance=~"$instance"})',
          legend: '{{service}} {{instance}}',
        },
      ],
      states: [
        { value: 0, text: 'down', colour: 'red' },
        { value: 1, text: 'up', colour: 'green' },
      ],
      evidence: { sane: [0, 1] },
    }),
    states({
      title: 'Readiness',
      what: 'What readyz of each process says: reads and writes, reads only, or neither.',
      good: 'reads and writes.',
      bad: 'ask its /readyz which check is missing, and when to ask again.',
      runbook: 'ServiceNotReady',
      unit: 'none',
      targets: [{ expr: fleet.min(state.readyz, 'service, instance'), legend: '{{service}} {{instance}}' }],
      states: [
        { value: 0, text: 'not ready', colour: 'red' },
        { value: 1, text: 'reads only', colour: 'orange' },
        { value: 2, text: 'ready', colour: 'green' },
      ],
      evidence: { sane: SANE.state },
    }),
  ],
};

const saturation: BoardRow = {
  title: 'What fills up first',
  about: 'queues',
  collapsed: false,
  panels: [
    lines({
      title: 'Fullest stream by service',
      what: 'Frames held over frames allowed, the fullest stream of each service.',
      good: 'near zero: settled entries are deleted.',
      bad: 'consumers are too few, stuck or gone; a full stream refuses.',
      runbook: 'BusStreamNearlyFull',
      unit: 'percentunit',
      targets: [{ expr: fleet.recorded('busStreamFill'), legend: '{{service}} {{stream}}' }],
      limit: BOUNDS.bus_stream_fill,
      breach: 'saturation',
      evidence: { sane: SANE.share, services: ['omnigate', 'index', 'storage', 'mailbox', 'registry'] },
    }),
    lines({
      title: 'Waiting on the bus',
      what: 'Age of the oldest entry no consumer has been given, by service.',
      good: 'zero.',
      bad: 'what waits longer than the deadline is answered to nobody.',
      runbook: 'BusGroupLag',
      unit: 's',
      targets: [{ expr: fleet.recorded('busGroupLag'), legend: '{{service}} {{stream}}' }],
      limit: BOUNDS.bus_group_lag,
      breach: 'saturation',
      evidence: { sane: SANE.age, services: ['omnigate', 'index', 'storage', 'mailbox', 'registry'] },
    }),
    lines({
      title: 'Event loop lag by process',
      what: 'How late timers run, 99th percentile over the last 10 to 20 s.',
      good: 'under 20 ms.',
      bad: 'something computes on the event loop: profile it.',
      runbook: 'EventLoopLag',
      unit: 's',
      targets: [{ expr: fleet.recorded('eventLoopLag'), legend: '{{service}} {{instance}}' }],
      limit: BOUNDS.event_loop_lag_p99,
      breach: 'saturation',
      evidence: { sane: SANE.latency },
    }),
  ],
};

/** Are users happy, and if not, where to look. */
export const overview: Board = {
  uid: 'macronode-overview',
  title: 'Macronode / Overview',
  description: 'Are users happy, how much error budget is left, and which board to open next.',
  variables: FLEET_VARIABLES,
  rows: [users, budgets, goldenSignals, health, saturation, buildRow(undefined, false)],
};
