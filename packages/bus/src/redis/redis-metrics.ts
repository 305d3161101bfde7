import { counter, gauge, type MetricsScope } from '@macronode/metrics';
import { linkMetrics } from '../link-metrics.ts';
import { LOOP_FAULTS, type RedisLinkEvent } from './redis-options.ts';

/** What a link over Redis counts beside what every bus counts. */
export const redisLinkMetrics = Object.freeze({
  ...linkMetrics,
  loopRestarts: counter({
    name: 'bus_loop_restarts_total',
    help: 'Read loops that began again, by what stopped them.',
    labels: { fault: LOOP_FAULTS },
    zeroFill: true,
  }),
  watchdogFired: counter({
    name: 'bus_watchdog_fired_total',
    help: 'Connections given up because Redis did not answer in time.',
  }),
  connectionsReplaced: counter({
    name: 'bus_connections_replaced_total',
    help: 'Redis clients thrown away because they did not recover.',
  }),
  reclaimed: counter({
    name: 'bus_reclaimed_total',
    help: 'Entries taken over from a consumer that fell silent, or gave them back.',
  }),
  consumersRemoved: counter({
    name: 'bus_consumers_removed_total',
    help: 'Names of gone consumers removed from their group.',
  }),
  inboxesRemade: counter({
    name: 'bus_inboxes_remade_total',
    help: 'Inboxes made anew because Redis lost them: replies may be lost.',
  }),
  clockOffset: gauge({
    name: 'bus_clock_offset_seconds',
    help: 'Clock of Redis minus the wall clock of this process. Deadlines do not depend on it.',
  }),
});

/** Counts the events of a link in a scope; its clock offset is read at the scrape. */
export function countEvents(scope: MetricsScope, offsetSeconds: () => number): (event: RedisLinkEvent) => void {
  const metrics = scope.bind(redisLinkMetrics);
  metrics.clockOffset.collect(offsetSeconds);
  return (event) => {
    if (event.type === 'loop_restarted') metrics.loopRestarts.inc({ fault: event.fault });
    else if (event.type === 'watchdog_fired') metrics.watchdogFired.inc();
    else if (event.type === 'connection_replaced') metrics.connectionsReplaced.inc();
    else if (event.type === 'reclaimed') metrics.reclaimed.inc(event.entries);
    else if (event.type === 'dead_lettered') {
      metrics.deadLettersDropped.inc(event.dropped);
      metrics.trimmed.inc({ kind: 'dead_letter' }, event.dropped);
    } else if (event.type === 'hints_trimmed') metrics.trimmed.inc({ kind: 'hint' }, event.entries);
    else if (event.type === 'pending_limited') metrics.pendingLimited.inc();
    else if (event.type === 'consumers_removed') metrics.consumersRemoved.inc(event.consumers);
    else if (event.type === 'inbox_remade') metrics.inboxesRemade.inc();
  };
}
