import { counter, gauge, histogram } from '@macronode/metrics';
import type { HandlesOf } from '@macronode/metrics';

export const indexMetrics = {
  resolveLatency: histogram({
    name: 'index_resolve_latency_seconds',
    unit: 'seconds',
    help: 'Time to answer a name from the store, by what was found.',
    labels: { result: ['found', 'not_found', 'failed'] },
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.08, 0.2, 1],
    bucketsReason: 'A lookup takes tens of microseconds; 0.08 and 0.2 are the objectives of the path it is part of.',
  }),
  names: counter({
    name: 'index_names_total',
    help: 'Publications of names, by what became of them.',
    labels: {
      result: [
        'created', 'updated', 'unchanged', 'bad_signature', 'bad_request', 'not_owner', 'stale_seq',
        'precondition_failed', 'failed',
      ], // prettier-ignore
    },
  }),
  storedNames: gauge({ name: 'index_stored_names', help: 'Names that have a record.' }),
  integrityFail: counter({
    name: 'index_integrity_fail_total',
    help: 'Stored records that no longer match their tag. They are never served.',
  }),
};

export type IndexMetrics = HandlesOf<typeof indexMetrics>;
