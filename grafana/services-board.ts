import { busMetrics } from '@macronode/bus';
import { LATENCY_BUCKETS_SECONDS, SLOS } from '@macronode/contracts';
import { goldenMetrics, processMetrics, readyzState } from '@macronode/metrics';
import { board, type Panel, row, stat, timeseries } from './panels.ts';
import { max, mean, quantile, rate, ratio, sum } from './series.ts';

/** Names and types only: the label values of a running service do not matter to a query. */
const golden = goldenMetrics({ routes: ['any'], reasons: ['any'], buckets: LATENCY_BUCKETS_SECONDS });

const FAILED = 'code=~"5.."';
const SHED = 'code=~"429|503"';

const firstScreen: readonly Panel[] = [
  stat({
    title: 'Ready instances',
    description:
      'Instances whose readyz answers reads and writes. Good: all of them. Bad: ask ronctl status which check is missing.',
    unit: 'short',
    targets: [
      {
        expr: `count(${readyzState.name}{job=~"$job",service=~"$service",instance=~"$instance"} == 2)`,
        legend: 'ready',
      },
    ],
    width: 6,
  }),
  stat({
    title: 'Requests',
    description:
      'Requests answered per second at the gateway. Good: what you expect at this hour. Bad: look at refusals and at the gateway log.',
    unit: 'reqps',
    targets: [{ expr: rate(golden.httpRequests, 'job'), legend: '{{job}}' }],
    width: 6,
  }),
  stat({
    title: 'Errors',
    description:
      'Share of answers that are 5xx. Good: below the objective. Bad: the code breakdown below names the dependency.',
    unit: 'percentunit',
    limit: Number((1 - SLOS.availability.objective).toFixed(6)),
    targets: [
      { expr: ratio(rate(golden.httpRequests, 'job', FAILED), rate(golden.httpRequests, 'job')), legend: '{{job}}' },
    ],
    width: 6,
  }),
  stat({
    title: 'Refused',
    description:
      'Share of answers that are 429 or 503. Good: below the objective at rated load. Bad: refusals by reason say which bound is full.',
    unit: 'percentunit',
    limit: Number((1 - SLOS.admission.objective).toFixed(6)),
    targets: [
      { expr: ratio(rate(golden.httpRequests, 'job', SHED), rate(golden.httpRequests, 'job')), legend: '{{job}}' },
    ],
    width: 6,
  }),
];

const red: readonly Panel[] = [
  row('Rate, errors, duration at the edge'),
  timeseries({
    title: 'Requests by route',
    description:
      'Answers per second by route template and method. Good: follows the load. Bad: a route at zero has lost its callers or its service.',
    unit: 'reqps',
    targets: [{ expr: rate(golden.httpRequests, 'route, method'), legend: '{{method}} {{route}}' }],
  }),
  timeseries({
    title: 'Answers by code',
    description:
      'Answers per second by status code. Good: 2xx and 304. Bad: 502 and 503 name a dependency, 4xx a caller, 500 a defect.',
    unit: 'reqps',
    targets: [{ expr: rate(golden.httpRequests, 'code'), legend: '{{code}}' }],
  }),
  timeseries({
    title: 'Latency p95 by route',
    description:
      'Time from header read to answer sent, 95th percentile. Good: under the objective line. Bad: compare with the bus and handler times below.',
    unit: 's',
    limit: SLOS.object_get_latency.boundSeconds,
    targets: [{ expr: quantile(0.95, golden.requestLatency, 'route, method'), legend: '{{method}} {{route}}' }],
  }),
  timeseries({
    title: 'Requests in flight',
    description:
      'Requests being answered now, by route. Good: far below the gate. Bad: a slow dependency or slow clients hold them.',
    unit: 'short',
    targets: [{ expr: sum(golden.inflightRequests, 'route'), legend: '{{route}}' }],
  }),
  timeseries({
    title: 'Refusals by reason',
    description:
      'Requests refused per second, every service. Good: zero at rated load. Bad: the reason is the bound or the check that refused.',
    unit: 'ops',
    targets: [{ expr: `${rate(golden.rejected, 'service, reason')} > 0`, legend: '{{service}} {{reason}}' }],
  }),
  timeseries({
    title: 'Restarts',
    description: 'Times the supervisor started a service again. Good: flat. Bad: read the last lines of its log.',
    unit: 'short',
    targets: [
      {
        expr: `max by (service) (${golden.serviceRestarts.name}{job=~"$job",service=~"$service",instance=~"$instance"})`,
        legend: '{{service}}',
      },
    ],
  }),
];

const bus: readonly Panel[] = [
  row('Bus'),
  timeseries({
    title: 'Calls by result',
    description:
      'Calls that ended, as their caller saw it. Good: ok. Bad: overflow is a full bound, no_responders a dead service, unknown a lost connection.',
    unit: 'ops',
    targets: [{ expr: rate(busMetrics.requests, 'service, result'), legend: '{{service}} {{result}}' }],
  }),
  timeseries({
    title: 'Call time p95',
    description:
      'From the call to its first answer, by subject. Good: a few ms. Bad: compare with handler time; the rest is queueing.',
    unit: 's',
    targets: [{ expr: quantile(0.95, busMetrics.requestSeconds, 'subject'), legend: '{{subject}}' }],
  }),
  timeseries({
    title: 'Handler time p95',
    description:
      'From handler start to its answer, by subject. Good: a few ms. Bad: the service itself is slow: disk, CPU, or its own calls.',
    unit: 's',
    targets: [{ expr: quantile(0.95, busMetrics.handlerSeconds, 'subject'), legend: '{{subject}}' }],
  }),
  timeseries({
    title: 'Stream depth',
    description:
      'Entries held by each stream. Good: near zero, settled entries are deleted. Bad: growing means consumers are too few or stuck.',
    unit: 'short',
    targets: [{ expr: max(busMetrics.depthEntries, 'service, stream'), legend: '{{service}} {{stream}}' }],
  }),
  timeseries({
    title: 'Pending and oldest pending',
    description:
      'Delivered and not settled. Good: short-lived. Bad: an age above the deadlines means a dead or stuck consumer.',
    unit: 's',
    targets: [{ expr: max(busMetrics.oldestPending, 'service'), legend: '{{service}} oldest' }],
  }),
  timeseries({
    title: 'Overflow ratio',
    description:
      'Messages refused at a full bound over messages offered. Good: under the objective line. Bad: add consumers or lower the load.',
    unit: 'percentunit',
    limit: Number((1 - SLOS.bus_delivery.objective).toFixed(6)),
    targets: [
      {
        expr: ratio(rate(busMetrics.overflow, 'service'), rate(busMetrics.published, 'service')),
        legend: '{{service}}',
      },
    ],
  }),
  timeseries({
    title: 'Redeliveries, dead letters, lag',
    description:
      'Entries delivered again, put aside, and hints lost. Good: zero. Bad: a crashing consumer, a poison message, a slow reader.',
    unit: 'ops',
    targets: [
      { expr: rate(busMetrics.redelivered, 'service'), legend: '{{service}} redelivered' },
      { expr: rate(busMetrics.deadLetters, 'service, reason'), legend: '{{service}} dead {{reason}}' },
      { expr: rate(busMetrics.lagged, 'service'), legend: '{{service}} lagged' },
    ],
  }),
  timeseries({
    title: 'Frames per entry',
    description:
      'Mean frames that travel as one stream entry. Good: rises with load. Bad: 1 under load means nothing is batched.',
    unit: 'short',
    targets: [{ expr: mean(busMetrics.batchFrames, 'service'), legend: '{{service}}' }],
  }),
  timeseries({
    title: 'Reconnects',
    description:
      'Times a link was lost and came back, per second. Good: zero. Bad: Redis restarts, or the network does.',
    unit: 'ops',
    targets: [{ expr: rate(busMetrics.reconnects, 'service'), legend: '{{service}}' }],
  }),
];

const processes: readonly Panel[] = [
  row('Processes'),
  timeseries({
    title: 'Event loop lag p99',
    description: 'How late timers run. Good: under 20 ms. Bad: something computes on the event loop; profile it.',
    unit: 's',
    targets: [{ expr: max(processMetrics.lagP99, 'instance'), legend: '{{instance}}' }],
  }),
  timeseries({
    title: 'CPU',
    description: 'Cores in use per process. Good: below 0.7. Bad: add replicas of gateway or omnigate.',
    unit: 'short',
    targets: [{ expr: rate(processMetrics.cpu, 'instance'), legend: '{{instance}}' }],
  }),
  timeseries({
    title: 'Resident memory',
    description:
      'Resident set size per process. Good: flat. Bad: a steady slope is a leak; compare heap and external memory.',
    unit: 'bytes',
    targets: [{ expr: sum(processMetrics.resident, 'instance'), legend: '{{instance}}' }],
  }),
];

/** RED per service, and the bus beneath. */
export const servicesBoard = board({
  uid: 'macronode-services',
  title: 'Macronode / Services and bus',
  description: 'Rate, errors and duration at the edge, the bus beneath, and the processes.',
  anchorMetric: readyzState.name,
  panels: [...firstScreen, ...red, ...bus, ...processes],
});
