import { BOUNDS } from '../../bounds.ts';
import { METRICS } from '../../declared.ts';
import { ALLOWED } from '../../objectives.ts';
import type { Board, BoardRow } from '../../panel.ts';
import { series } from '../../series.ts';
import { buildRow } from '../build-row.ts';
import { processRow } from '../process-row.ts';
import { SANE } from '../sane.ts';
import { number } from '../sizes.ts';
import { tracesOf } from '../traces.ts';
import { FLEET_VARIABLES } from '../variables.ts';
import { calls } from './calls.ts';
import { batches, delivery } from './delivery.ts';
import { link } from './link.ts';
import { ANSWERING, CALLING } from './services.ts';
import { streams } from './streams.ts';

const fleet = series();
const { bus } = METRICS;

const promises: BoardRow = {
  title: 'Does the bus keep its promises',
  about: 'slo',
  collapsed: false,
  panels: [
    number({
      title: 'Frames',
      what: 'Frames per second offered to the medium: requests, forwards, work and hints.',
      good: 'a small multiple of the requests at the edge.',
      bad: 'zero: nothing reaches Redis.',
      runbook: 'RedisUnreachable',
      unit: 'ops',
      targets: [{ expr: fleet.rate(bus.published, ''), legend: 'frames' }],
      evidence: { sane: SANE.perSecond },
    }),
    number({
      title: 'Overflow',
      what: 'Share of messages refused at a full bound: the worst service.',
      good: 'below the objective.',
      bad: 'refusals by gate name the bound.',
      runbook: 'BusDeliveryBudgetBurn',
      unit: 'percentunit',
      targets: [{ expr: `max (${fleet.recorded('busOverflow')})`, legend: 'worst' }],
      limit: ALLOWED.bus_delivery,
      breach: 'saturation',
      evidence: { sane: SANE.share, services: CALLING },
    }),
    number({
      title: 'Oldest entry unread',
      what: 'Age of the oldest entry no consumer has been given: the worst service.',
      good: 'zero.',
      bad: 'consumers are too few, stuck or gone.',
      runbook: 'BusGroupLag',
      unit: 's',
      targets: [{ expr: `max (${fleet.recorded('busGroupLag')})`, legend: 'worst' }],
      limit: BOUNDS.bus_group_lag,
      breach: 'saturation',
      evidence: { sane: SANE.age, services: ANSWERING },
    }),
    number({
      title: 'Oldest entry unsettled',
      what: 'Age of the oldest delivery that is not settled: the worst service.',
      good: 'short-lived.',
      bad: 'its consumer is stuck or gone.',
      runbook: 'BusStuckConsumer',
      unit: 's',
      targets: [{ expr: `max (${fleet.recorded('busOldestPending')})`, legend: 'worst' }],
      limit: BOUNDS.bus_oldest_pending,
      breach: 'failure',
      evidence: { sane: SANE.age },
    }),
    number({
      title: 'Call time, p95',
      what: 'From a call to its first answer, 95th percentile.',
      good: 'a few ms.',
      bad: 'compare with the handler time.',
      runbook: 'BusQueueWait',
      unit: 's',
      targets: [{ expr: fleet.quantile(0.95, bus.requestSeconds), legend: 'p95', exemplar: true }],
      traces: tracesOf(),
      evidence: { sane: SANE.latency, services: CALLING },
    }),
    number({
      title: 'Redelivered',
      what: 'Share of deliveries that repeat an entry: the worst service.',
      good: 'zero.',
      bad: 'consumers die or stall.',
      runbook: 'BusRedeliveries',
      unit: 'percentunit',
      targets: [{ expr: `max (${fleet.recorded('busRedelivered')})`, legend: 'worst' }],
      limit: BOUNDS.bus_redelivered,
      breach: 'failure',
      evidence: { sane: SANE.share, services: ANSWERING },
    }),
  ],
};

/** Redis Streams from every side: length, lag, age, redelivery, refusal, batch and credit. */
export const busBoard: Board = {
  uid: 'macronode-bus',
  title: 'Macronode / Bus and Redis Streams',
  description: 'Calls and handlers, the link to Redis, and its streams: length, lag, age, redeliveries, refusals.',
  variables: FLEET_VARIABLES,
  rows: [promises, calls, link, streams, delivery, batches, processRow(), buildRow()],
};
