import { ROUTES } from '@macronode/contracts';
import { METRICS } from '../../declared.ts';
import { ALLOWED } from '../../objectives.ts';
import type { BoardRow } from '../../panel.ts';
import { ratio, series, top } from '../../series.ts';
import { FAILED, ofRoute } from '../edge.ts';
import { bucketsOf, percentiles, slowest } from '../latency.ts';
import { SANE } from '../sane.ts';
import { heatmap, lines } from '../sizes.ts';
import { failedTraces, slowTraces, TRACES_OF_ROUTE, TRACES_OF_SUBJECT, tracesOf } from '../traces.ts';

const gateway = series('gateway');
const { golden, gateway: own, bus } = METRICS;

const READ = ofRoute(ROUTES.objectGet);
const WRITE = ofRoute(ROUTES.objectPut);
const SLOW_READS = slowTraces(ALLOWED.object_get_latency.value);
const SLOW_WRITES = slowTraces(ALLOWED.object_put_latency.value);

/** What is answered, by route. */
export const perRoute: BoardRow = {
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

/** What answers wait for. */
export const upstream: BoardRow = {
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
