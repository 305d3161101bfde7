import { ROUTES } from '@macronode/contracts';
import { BOUNDS } from '../../bounds.ts';
import { METRICS } from '../../declared.ts';
import { ALLOWED } from '../../objectives.ts';
import type { Board, BoardRow } from '../../panel.ts';
import { ratio, series } from '../../series.ts';
import { buildRow } from '../build-row.ts';
import { FAILED, ofRoute, SHED } from '../edge.ts';
import { processRow } from '../process-row.ts';
import { SANE } from '../sane.ts';
import { number } from '../sizes.ts';
import { failedTraces, slowTraces, tracesOf } from '../traces.ts';
import { serviceVariables } from '../variables.ts';
import { admission } from './admission.ts';
import { cuts } from './cuts.ts';
import { perRoute, upstream } from './routes.ts';

const gateway = series('gateway');
const { golden } = METRICS;

const READ = ofRoute(ROUTES.objectGet);
const WRITE = ofRoute(ROUTES.objectPut);
const SLOW_READS = slowTraces(ALLOWED.object_get_latency.value);
const SLOW_WRITES = slowTraces(ALLOWED.object_put_latency.value);

const promises: BoardRow = {
  title: 'What is promised at the edge',
  about: 'slo',
  collapsed: false,
  panels: [
    number({
      title: 'Requests',
      what: 'Answers per second.',
      good: 'what you expect at this hour.',
      bad: 'zero while clients try: look at connections and at readiness.',
      runbook: 'GatewayAbsent',
      unit: 'reqps',
      targets: [{ expr: gateway.rate(golden.httpRequests, ''), legend: 'requests' }],
      traces: tracesOf('gateway'),
      evidence: { sane: SANE.perSecond },
    }),
    number({
      title: 'Errors',
      what: 'Share of answers that are 5xx.',
      good: 'below the objective.',
      bad: 'errors by route and code name the dependency.',
      runbook: 'AvailabilityBudgetBurn',
      unit: 'percentunit',
      targets: [
        {
          expr: ratio(gateway.rate(golden.httpRequests, '', FAILED), gateway.rate(golden.httpRequests, '')),
          legend: '5xx',
        },
      ],
      limit: ALLOWED.availability,
      breach: 'failure',
      traces: failedTraces('gateway'),
      evidence: { sane: SANE.share },
    }),
    number({
      title: 'Refused',
      what: 'Share of answers that are 429 or 503.',
      good: 'below the objective at rated load.',
      bad: 'refusals by reason say which bound is full.',
      runbook: 'AdmissionBudgetBurn',
      unit: 'percentunit',
      targets: [
        {
          expr: ratio(gateway.rate(golden.httpRequests, '', SHED), gateway.rate(golden.httpRequests, '')),
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
      bad: 'compare with the upstream hops below.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: [{ expr: gateway.quantile(0.95, golden.requestLatency, '', READ), legend: 'p95', exemplar: true }],
      limit: ALLOWED.object_get_latency,
      breach: 'failure',
      traces: SLOW_READS,
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Writing an object, p95',
      what: 'Time to answer a PUT of an object, 95th percentile.',
      good: 'under the objective.',
      bad: 'compare with the durable write of storage.',
      runbook: 'ObjectPutLatencyBudgetBurn',
      unit: 's',
      targets: [{ expr: gateway.quantile(0.95, golden.requestLatency, '', WRITE), legend: 'p95', exemplar: true }],
      limit: ALLOWED.object_put_latency,
      breach: 'failure',
      traces: SLOW_WRITES,
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Fullest gate',
      what: 'Requests in flight over what a gateway admits: the fullest one.',
      good: 'far below the line.',
      bad: 'add a gateway, or find what holds the requests.',
      runbook: 'GatewayNearCapacity',
      unit: 'percentunit',
      targets: [{ expr: `max (${gateway.recorded('gatewayInflight')})`, legend: 'fullest' }],
      limit: BOUNDS.gateway_inflight,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
  ],
};

/** The public surface: what it answers, what it refuses, and what it waits for. */
export const gatewayBoard: Board = {
  uid: 'macronode-gateway',
  title: 'Macronode / Gateway',
  description: 'Rate, errors and duration per route; refusals, connections and bodies; the calls behind them.',
  variables: serviceVariables('gateway'),
  rows: [promises, perRoute, upstream, admission, cuts, processRow('gateway'), buildRow('gateway')],
};
