import { METRICS } from '../declared.ts';
import { ALLOWED } from '../objectives.ts';
import type { Board, BoardRow } from '../panel.ts';
import { ratio, series, top } from '../series.ts';
import { buildRow } from './build-row.ts';
import { FAILED, SHED } from './edge.ts';
import { bucketsOf } from './latency.ts';
import { SANE } from './sane.ts';
import { heatmap, lines, number } from './sizes.ts';
import { slowTraces } from './traces.ts';
import { FLEET_VARIABLES } from './variables.ts';

const fleet = series();
const gateway = series('gateway', { everyInstance: true });
const { golden, gateway: own, process: node, state } = METRICS;

/** Per-second rate of a counter that k6 writes. */
const k6Rate = (name: string, by: string): string =>
  `${by === '' ? 'sum' : `sum by (${by})`} (rate(${name}[$__rate_interval]))`;

const percentile = (p: 'p50' | 'p95' | 'p99'): string => `k6_http_req_duration_${p}`;

const run: BoardRow = {
  title: 'The run',
  about: 'slo',
  collapsed: false,
  panels: [
    number({
      title: 'Virtual users',
      what: 'Virtual users running now.',
      good: 'what the profile asks for.',
      bad: 'at their maximum with iterations dropped: k6 itself is short of users.',
      runbook: 'GatewayNearCapacity',
      unit: 'short',
      targets: [{ expr: 'sum (k6_vus)', legend: 'users' }],
      evidence: { sane: SANE.count },
    }),
    number({
      title: 'Requests of k6',
      what: 'Requests per second that k6 made.',
      good: 'the rate of the profile.',
      bad: 'below it: k6 waits for answers, or has no CPU left.',
      runbook: 'GatewayNearCapacity',
      unit: 'reqps',
      targets: [{ expr: k6Rate('k6_http_reqs_total', ''), legend: 'requests' }],
      evidence: { sane: SANE.perSecond },
    }),
    number({
      title: 'Failed requests',
      what: 'Share of requests k6 counts as failed: the worst kind of request.',
      good: 'below the objective.',
      bad: 'compare with the answers by code below.',
      runbook: 'AvailabilityBudgetBurn',
      unit: 'percentunit',
      targets: [{ expr: 'max (k6_http_req_failed_rate)', legend: 'worst' }],
      limit: ALLOWED.availability,
      breach: 'failure',
      evidence: { sane: SANE.share },
    }),
    number({
      title: 'Checks that hold',
      what: 'Share of checks that held: the worst check.',
      good: 'all of them.',
      bad: 'an answer is not what was promised: read the summary of the run.',
      runbook: 'digest_mismatch',
      unit: 'percentunit',
      targets: [{ expr: 'min (k6_checks_rate)', legend: 'worst' }],
      evidence: { sane: SANE.share },
    }),
    number({
      title: 'Slowest p95',
      what: 'Time of a request as k6 saw it, 95th percentile: the slowest kind of request.',
      good: 'a long poll of the mailbox is slow on purpose.',
      bad: 'compare with the time at the gateway: the rest is the network, or k6.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: [{ expr: `max (${percentile('p95')})`, legend: 'slowest' }],
      evidence: { sane: SANE.latency },
    }),
    number({
      title: 'Refused by the node',
      what: 'Share of answers that are 429 or 503, as the gateway counts.',
      good: 'zero up to the rated load.',
      bad: 'the load is above what the node admits: that is its protection.',
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
  ],
};

const client: BoardRow = {
  title: 'As k6 saw it',
  about: 'red',
  collapsed: false,
  panels: [
    lines({
      title: 'Requests by name',
      what: 'Requests per second that k6 made, by the name of the request.',
      good: 'the mix of the profile.',
      bad: 'one name missing: its step fails before it.',
      runbook: 'GatewayNearCapacity',
      unit: 'reqps',
      targets: [{ expr: top(15, k6Rate('k6_http_reqs_total', 'name')), legend: '{{name}}' }],
      stacked: true,
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Time of a request, p95',
      what: 'As k6 saw it, 95th percentile by name; percentiles of k6 are per series and are not averaged.',
      good: 'flat.',
      bad: 'rises with the rate: the knee is near.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: [{ expr: top(15, `max by (name) (${percentile('p95')})`), legend: '{{name}}' }],
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Time of a request, percentiles',
      what: 'As k6 saw it: the slowest kind of request.',
      good: 'p99 a small multiple of p50.',
      bad: 'p99 alone: queues form.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: [
        { expr: `max (${percentile('p50')})`, legend: 'p50' },
        { expr: `max (${percentile('p95')})`, legend: 'p95' },
        { expr: `max (${percentile('p99')})`, legend: 'p99' },
      ],
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Failed requests by name',
      what: 'Share of requests k6 counts as failed, by name.',
      good: 'zero.',
      bad: 'one name: its service. All: the gateway, or the load itself.',
      runbook: 'AvailabilityBudgetBurn',
      unit: 'percentunit',
      targets: [{ expr: top(15, 'max by (name) (k6_http_req_failed_rate)'), legend: '{{name}}' }],
      limit: ALLOWED.availability,
      breach: 'failure',
      evidence: { sane: SANE.share },
    }),
    lines({
      title: 'Iterations',
      what: 'Iterations per second that ended, and that were dropped because no virtual user was free.',
      good: 'none dropped: else the rate is not what the profile says.',
      bad: 'give k6 more users or more CPU before you trust the run.',
      runbook: 'GatewayNearCapacity',
      unit: 'ops',
      targets: [
        { expr: k6Rate('k6_iterations_total', ''), legend: 'ended' },
        { expr: `${k6Rate('k6_dropped_iterations_total', '')} or vector(0)`, legend: 'dropped' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Virtual users over time',
      what: 'Virtual users running.',
      good: 'the shape of the profile.',
      bad: 'at their maximum: answers are slower than the profile expects.',
      runbook: 'GatewayNearCapacity',
      unit: 'short',
      targets: [{ expr: 'sum (k6_vus)', legend: 'users' }],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Bytes of k6',
      what: 'Bytes per second that k6 received and sent.',
      good: 'follows the requests.',
      bad: 'flat while requests rise: bodies are cut or refused.',
      runbook: 'UploadsAborted',
      unit: 'Bps',
      targets: [
        { expr: k6Rate('k6_data_received_total', ''), legend: 'received' },
        { expr: k6Rate('k6_data_sent_total', ''), legend: 'sent' },
      ],
      evidence: { sane: SANE.bytesPerSecond },
    }),
  ],
};

const server: BoardRow = {
  title: 'As the node saw it',
  about: 'use',
  collapsed: false,
  panels: [
    lines({
      title: 'Answers of the gateway',
      what: 'Answers per second: all, errors, and refusals.',
      good: 'all follows the requests of k6.',
      bad: 'errors are no protection: look at the board of the gateway.',
      runbook: 'AvailabilityBudgetBurn',
      unit: 'reqps',
      targets: [
        { expr: gateway.rate(golden.httpRequests, ''), legend: 'all' },
        { expr: `${gateway.rate(golden.httpRequests, '', FAILED)} or vector(0)`, legend: '5xx' },
        { expr: `${gateway.rate(golden.httpRequests, '', SHED)} or vector(0)`, legend: 'refused' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
    heatmap({
      title: 'Time at the gateway',
      what: 'How many requests took how long at the gateway; dots are traces.',
      good: 'one band that stays where it is while the rate rises.',
      bad: 'it spreads upwards: the knee.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: bucketsOf(gateway, golden.requestLatency),
      traces: slowTraces(ALLOWED.object_get_latency.value),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'CPU per request',
      what: 'CPU time of the chosen services for one answer of the gateway.',
      good: 'flat while the rate rises.',
      bad: 'rises: work that is thrown away, or garbage collection.',
      runbook: 'CpuSaturated',
      unit: 's',
      targets: [
        {
          expr: `${fleet.rate(node.cpu, '')} / (${gateway.rate(golden.httpRequests, '')} > 0)`,
          legend: 'CPU',
        },
      ],
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Requests admitted under load',
      what: 'Requests the gate has admitted and not seen end; dashed what one gateway admits.',
      good: 'rate times latency.',
      bad: 'rises at a constant rate: latency does.',
      runbook: 'GatewayNearCapacity',
      unit: 'short',
      targets: [
        { expr: gateway.max(own.inflight, 'instance'), legend: '{{instance}}' },
        { expr: gateway.max(state.config, '', 'key="inflight"'), legend: 'limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.count },
    }),
  ],
};

/** A load test from both sides: what k6 asked and saw, what the node answered and spent. */
export const loadBoard: Board = {
  uid: 'macronode-load',
  title: 'Macronode / Load test',
  description: 'A run of k6 from both sides: its rates, times and checks, and what the node answered and spent.',
  variables: FLEET_VARIABLES,
  rows: [run, client, server, buildRow(undefined, false)],
};
