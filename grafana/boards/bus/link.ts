import { BOUNDS } from '../../bounds.ts';
import { METRICS } from '../../declared.ts';
import type { BoardRow } from '../../panel.ts';
import { series, top } from '../../series.ts';
import { SANE } from '../sane.ts';
import { lines, states } from '../sizes.ts';

const fleet = series();
const { bus, redis } = METRICS;

/** The connections to Redis, and what is done when one fails. */
export const link: BoardRow = {
  title: 'Link to Redis',
  about: 'dependencies',
  collapsed: true,
  panels: [
    states({
      title: 'Link state',
      what: 'Whether the bus of each service has its medium.',
      good: 'up.',
      bad: 'lost: Redis is gone or the network is; every service waits and refuses.',
      runbook: 'RedisUnreachable',
      unit: 'none',
      targets: [{ expr: fleet.min(bus.linkState, 'service'), legend: '{{service}}' }],
      states: [
        { value: 0, text: 'lost', colour: 'red' },
        { value: 1, text: 'up', colour: 'green' },
      ],
      evidence: { sane: [0, 1] },
    }),
    lines({
      title: 'Reconnects',
      what: 'Times per second a link was lost and came back.',
      good: 'zero.',
      bad: 'Redis restarts, or the network does.',
      runbook: 'BusReconnecting',
      unit: 'ops',
      targets: [{ expr: fleet.recorded('busReconnects'), legend: '{{service}}' }],
      limit: BOUNDS.bus_reconnects,
      breach: 'saturation',
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Read loops that began again',
      what: 'Read loops restarted per second, by what stopped them.',
      good: 'zero.',
      bad: 'the fault says whether it is Redis, the network, or somebody who deletes.',
      runbook: 'BusReconnecting',
      unit: 'ops',
      targets: [{ expr: top(15, fleet.rate(redis.loopRestarts, 'fault')), legend: '{{fault}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Connections given up',
      what: 'Connections per second given up because Redis did not answer in time, and clients thrown away after that.',
      good: 'zero.',
      bad: 'Redis blocks: a slow command, a full disk, or a paused machine.',
      runbook: 'RedisUnreachable',
      unit: 'ops',
      targets: [
        { expr: fleet.rate(redis.watchdogFired, 'service'), legend: '{{service}} gave up' },
        { expr: fleet.rate(redis.connectionsReplaced, 'service'), legend: '{{service}} replaced' },
      ],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Clock offset',
      what: 'Clock of Redis minus the wall clock of each process. Deadlines do not depend on it.',
      good: 'within a second.',
      bad: 'far off: logs of two machines do not line up.',
      runbook: 'BusReconnecting',
      unit: 's',
      targets: [{ expr: fleet.max(redis.clockOffset, 'service'), legend: '{{service}}' }],
      evidence: { sane: [-3_600, 3_600] },
    }),
    lines({
      title: 'Inboxes made anew',
      what: 'Inboxes per second that Redis had lost: replies may be lost with them.',
      good: 'zero.',
      bad: 'Redis restarted without its data, or evicts: see its maxmemory policy.',
      runbook: 'RedisUnreachable',
      unit: 'ops',
      targets: [{ expr: fleet.rate(redis.inboxesRemade, 'service'), legend: '{{service}}' }],
      evidence: { sane: SANE.perSecond },
    }),
    lines({
      title: 'Live consumers',
      what: 'Instances that read the requests of each service now.',
      good: 'as many as you started.',
      bad: 'none: callers get no_responders.',
      runbook: 'no_responders',
      unit: 'short',
      targets: [{ expr: fleet.max(bus.consumersLive, 'service'), legend: '{{service}}' }],
      evidence: { sane: [0, 1_000] },
    }),
    lines({
      title: 'Consumers removed',
      what: 'Names of gone consumers removed from their group, per second.',
      good: 'a few after a restart.',
      bad: 'steady: something starts and dies.',
      runbook: 'RestartLoop',
      unit: 'ops',
      targets: [{ expr: fleet.rate(redis.consumersRemoved, 'service'), legend: '{{service}}' }],
      evidence: { sane: SANE.perSecond },
    }),
  ],
};
