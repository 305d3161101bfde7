import { counter } from '@macronode/metrics';

/** What every link counts in itself, whatever its medium. */
export const linkMetrics = Object.freeze({
  trimmed: counter({
    name: 'bus_trimmed_entries_total',
    help: 'Oldest entries that made room at a bound. Requests and work are never trimmed: they are refused.',
    labels: { kind: ['hint', 'dead_letter'] },
    zeroFill: true,
  }),
  deadLettersDropped: counter({
    name: 'bus_dead_letters_dropped_total',
    help: 'Oldest dead letters dropped at their bound.',
  }),
  pendingLimited: counter({
    name: 'bus_pending_limited_total',
    help: 'Times a consumer stopped reading because its group held as many unsettled entries as it may.',
  }),
});
