import { counter, gauge, type HandlesOf } from '@macronode/metrics';

export const eventStreamMetrics = {
  clients: gauge({ name: 'registry_sse_clients', help: 'Event streams of the registry that are open.' }),
  lagged: counter({
    name: 'registry_sse_lagged_total',
    help: 'Times a client was too slow for its queue: it lost the queue, and is told with `lag`.',
  }),
  stalled: counter({
    name: 'registry_sse_stalled_total',
    help: 'Event streams that were cut because their client took nothing.',
  }),
};

export type EventStreamMetrics = HandlesOf<typeof eventStreamMetrics>;
