import { ROUTES } from '@macronode/contracts';
import { BOUNDS } from '../bounds.ts';
import { METRICS } from '../declared.ts';
import { ALLOWED } from '../objectives.ts';
import type { Board, BoardRow } from '../panel.ts';
import { ratio, series, top } from '../series.ts';
import { buildRow } from './build-row.ts';
import { FAILED, ofRoute, SHED } from './edge.ts';
import { bucketsOf, percentiles, slowest } from './latency.ts';
import { processRow } from './process-row.ts';
import { SANE } from './sane.ts';
import { heatmap, lines, number } from './sizes.ts';
import { failedTraces, slowTraces, TRACES_OF_ROUTE, TRACES_OF_SUBJECT, tracesOf } from './traces.ts';
import { serviceVariables } from './variables.ts';

const gateway = series('gateway');
const { golden, gateway: own, connections, bus, state } = METRICS;

const READ = ofRoute(ROUTES.objectGet);
const WRITE = ofRoute(ROUTES.objectPut);
const SLOW_READS = slowTraces(ALLOWED.object_get_latency.value);
const SLOW_WRITES = slowTraces(ALLOWED.object_put_latency.value);

const setting = (key: string): string => gateway.max(state.config, '', `key="${key}"`);

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

const perRoute: BoardRow = {
  title: 'Rate, errors and duration per route',
  about: 'red',
  collapsed: true,
  panels: [
    lines({
      title: 'Requests by route',
      what: 'Answers per second by route template and method.',
      good: 'follows the load.',
      bad: 'a route that falls to zero has lost its callers or its service.',
      runbook: 'GatewayAbsent',
      unit: 'reqps',
      targets: [{ expr: top(15, gateway.rate(golden.httpRequests, 'route, method')), legend: '{{method}} {{route}}' }],
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
      targets: [{ expr: top(20, gateway.rate(golden.httpRequests, 'code')), legend: '{{code}}' }],
      traces: failedTraces('gateway'),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Errors by route',
      what: 'Share of answers of each route that are 5xx.',
      good: 'zero.',
      bad: 'one route: its service. All routes: the bus, or the gateway itself.',
      runbook: 'internal',
      unit: 'percentunit',
      targets: [
        {
          expr: top(
            15,
            ratio(
              gateway.rate(golden.httpRequests, 'route, method', FAILED),
              gateway.rate(golden.httpRequests, 'route, method'),
            ),
          ),
          legend: '{{method}} {{route}}',
        },
      ],
      limit: ALLOWED.availability,
      breach: 'failure',
      traces: TRACES_OF_ROUTE,
      evidence: { sane: SANE.share },
    }),
    heatmap({
      title: 'Reading an object',
      what: 'How many GETs of objects took how long; dots are traces.',
      good: 'one band under the objective.',
      bad: 'a second band is a read that waits: follow a dot.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: bucketsOf(gateway, golden.requestLatency, READ),
      traces: SLOW_READS,
      evidence: { sane: SANE.perSecond },
    }),
    heatmap({
      title: 'Writing an object',
      what: 'How many PUTs of objects took how long; dots are traces.',
      good: 'one band under the objective.',
      bad: 'a band that rises with size is the upload; one that does not is the disk.',
      runbook: 'ObjectPutLatencyBudgetBurn',
      unit: 's',
      targets: bucketsOf(gateway, golden.requestLatency, WRITE),
      traces: SLOW_WRITES,
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Time to answer by route, p95',
      what: 'From the header read to the answer sent, 95th percentile by route.',
      good: 'flat; a long poll of the mailbox takes as long as it was asked to.',
      bad: 'compare with the time its service takes on the bus.',
      runbook: 'deadline',
      unit: 's',
      targets: [slowest(gateway, golden.requestLatency, 'route, method', '{{method}} {{route}}')],
      traces: TRACES_OF_ROUTE,
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Reading an object, percentiles',
      what: 'Time to answer a GET of an object.',
      good: 'p95 under the line.',
      bad: 'p99 alone: one storage or one disk. All three: the bus.',
      runbook: 'ObjectGetLatencyBudgetBurn',
      unit: 's',
      targets: percentiles(gateway, golden.requestLatency, READ),
      limit: ALLOWED.object_get_latency,
      breach: 'failure',
      traces: SLOW_READS,
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Writing an object, percentiles',
      what: 'Time to answer a PUT of an object.',
      good: 'p95 under the line.',
      bad: 'commit time of the store tells whether it is the disk.',
      runbook: 'ObjectPutLatencyBudgetBurn',
      unit: 's',
      targets: percentiles(gateway, golden.requestLatency, WRITE),
      limit: ALLOWED.object_put_latency,
      breach: 'failure',
      traces: SLOW_WRITES,
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Bytes of bodies',
      what: 'Bytes per second taken from and sent to clients.',
      good: 'follows the load.',
      bad: 'in without out: nobody reads what is written.',
      runbook: 'UploadsAborted',
      unit: 'Bps',
      targets: [{ expr: gateway.rate(own.bodyBytes, 'direction'), legend: '{{direction}}' }],
      evidence: { sane: SANE.bytesPerSecond },
    }),
  ],
};

const upstream: BoardRow = {
  title: 'Upstream: calls on the bus',
  about: 'dependencies',
  collapsed: true,
  panels: [
    heatmap({
      title: 'Upstream hops',
      what: 'How many calls of the gateway took how long to their first answer; dots are traces.',
      good: 'one band of a few ms.',
      bad: 'compare with the handler time of the service that was called.',
      runbook: 'BusQueueWait',
      unit: 's',
      targets: bucketsOf(gateway, bus.requestSeconds),
      traces: tracesOf('gateway'),
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Upstream hops by subject, p95',
      what: 'From the call to its first answer, 95th percentile by subject.',
      good: 'a few ms.',
      bad: 'the subject names the service behind it.',
      runbook: 'BusQueueWait',
      unit: 's',
      targets: [slowest(gateway, bus.requestSeconds, 'subject', '{{subject}}')],
      traces: TRACES_OF_SUBJECT,
      evidence: { sane: SANE.latency },
    }),
    lines({
      title: 'Calls by result',
      what: 'Calls of the gateway that ended per second, by how.',
      good: 'ok, and error where a caller was refused with reason.',
      bad: 'no_responders: a service is gone. overflow: a stream is full. unknown: a connection was lost.',
      runbook: 'no_responders',
      unit: 'ops',
      targets: [{ expr: gateway.rate(bus.requests, 'result'), legend: '{{result}}' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

const admission: BoardRow = {
  title: 'Admission, connections and bodies',
  about: 'queues',
  collapsed: true,
  panels: [
    lines({
      title: 'Gate fill',
      what: 'Requests in flight over what one gateway admits.',
      good: 'far below the line.',
      bad: 'a slow dependency or slow clients hold them; the next ones are refused with 503.',
      runbook: 'GatewayNearCapacity',
      unit: 'percentunit',
      targets: [{ expr: gateway.recorded('gatewayInflight'), legend: '{{instance}}' }],
      limit: BOUNDS.gateway_inflight,
      breach: 'saturation',
      evidence: { sane: SANE.share },
    }),
    lines({
      title: 'Requests admitted',
      what: 'Requests the gate has admitted and not seen end; dashed what one gateway admits.',
      good: 'far below the dashed line.',
      bad: 'see which route holds them.',
      runbook: 'busy',
      unit: 'short',
      targets: [
        { expr: gateway.max(own.inflight, 'instance'), legend: '{{instance}}' },
        { expr: setting('inflight'), legend: 'limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Requests in flight by route',
      what: 'Requests being answered now, by route.',
      good: 'small; long polls of the mailbox wait on purpose.',
      bad: 'one route grows: its service has slowed down.',
      runbook: 'GatewayNearCapacity',
      unit: 'short',
      targets: [{ expr: top(15, gateway.sum(golden.inflightRequests, 'route')), legend: '{{route}}' }],
      stacked: true,
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Refusals by reason',
      what: 'Requests refused per second by reason, and all of them.',
      good: 'zero at rated load, but for what callers get wrong.',
      bad: 'the reason is the bound or the check that refused.',
      runbook: 'AdmissionBudgetBurn',
      unit: 'ops',
      targets: [
        { expr: `${top(15, gateway.rate(golden.rejected, 'reason'))} > 0`, legend: '{{reason}}' },
        { expr: gateway.rate(golden.rejected, ''), legend: 'all' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Retry-After asked',
      what: 'Mean wait that refusals at a full bound of the bus asked of callers.',
      good: 'no data: nothing was refused.',
      bad: 'rising: what is refused comes back too early, so the bound moves it away.',
      runbook: 'busy',
      unit: 's',
      targets: [{ expr: gateway.mean(bus.retryAfter, 'service'), legend: '{{service}}' }],
      evidence: { sane: SANE.latency, needs: 'bus_overflow' },
    }),
    lines({
      title: 'Connections',
      what: 'Open client connections; dashed what one gateway holds.',
      good: 'far below the dashed line.',
      bad: 'clients that never close: look at idle timeouts in front.',
      runbook: 'GatewayConnectionsDropped',
      unit: 'short',
      targets: [
        { expr: gateway.max(connections.connections, 'instance'), legend: '{{instance}}' },
        { expr: setting('connections'), legend: 'limit', dashed: 'limit' },
      ],
      evidence: { sane: SANE.count },
    }),
    lines({
      title: 'Connections dropped',
      what: 'Connections closed at once per second, because the bound was reached.',
      good: 'zero.',
      bad: 'add a gateway, or find who opens them.',
      runbook: 'GatewayConnectionsDropped',
      unit: 'ops',
      targets: [{ expr: gateway.rate(connections.dropped, 'instance'), legend: '{{instance}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Uploads aborted',
      what: 'Uploads that storage ended, over uploads.',
      good: 'zero.',
      bad: 'the board of storage has the reason: disk, slots or a digest.',
      runbook: 'UploadsAborted',
      unit: 'percentunit',
      targets: [{ expr: gateway.recorded('uploadsAborted'), legend: '{{instance}}' }],
      limit: BOUNDS.uploads_aborted,
      breach: 'failure',
      evidence: { sane: SANE.share },
    }),
    lines({
      title: 'Downloads aborted',
      what: 'Downloads that storage ended before their last byte, over downloads.',
      good: 'zero.',
      bad: 'a storage died or found bytes that no longer hash.',
      runbook: 'DownloadsAborted',
      unit: 'percentunit',
      targets: [{ expr: gateway.recorded('downloadsAborted'), legend: '{{instance}}' }],
      limit: BOUNDS.downloads_aborted,
      breach: 'failure',
      evidence: { sane: SANE.share },
    }),
    lines({
      title: 'Aborts by reason',
      what: 'Uploads and downloads per second that ended early, by who ended them.',
      good: 'clients that leave; nothing upstream.',
      bad: 'idle: slow clients. too_large: the limit of a route. upstream: storage.',
      runbook: 'too_large',
      unit: 'ops',
      targets: [
        { expr: gateway.rate(own.uploadsAborted, 'reason'), legend: 'upload {{reason}}' },
        { expr: gateway.rate(own.downloadsAborted, 'reason'), legend: 'download {{reason}}' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};

/** The public surface: what it answers, what it refuses, and what it waits for. */
export const gatewayBoard: Board = {
  uid: 'macronode-gateway',
  title: 'Macronode / Gateway',
  description: 'Rate, errors and duration per route; refusals, connections and bodies; the calls behind them.',
  variables: serviceVariables('gateway'),
  rows: [promises, perRoute, upstream, admission, processRow('gateway'), buildRow('gateway')],
};
