import { LATENCY_BUCKETS_SECONDS } from '@macronode/contracts';
import { counter, gauge, type HandlesOf, histogram } from '@macronode/metrics';

const bucketsReason = 'The edges of every request latency: each latency objective is an exact edge';

/** Why an upload or a read ended without what it came for. */
export const REFUSAL_REASONS = [
  'upload_slots',
  'read_slots',
  'unknown_upload',
  'too_large',
  'truncated',
  'oversized',
  'digest_mismatch',
  'precondition_failed',
  'integrity',
  'no_space',
  'busy',
  'unavailable',
  'canceled',
  'other',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export const storageMetrics = {
  getLatency: histogram({
    name: 'storage_get_latency_seconds',
    help: 'From the request to the first verified byte',
    labels: { range: ['full', 'partial'] },
    buckets: LATENCY_BUCKETS_SECONDS,
    bucketsReason,
  }),
  putLatency: histogram({
    name: 'storage_put_latency_seconds',
    help: 'From the last byte received to the object being durable',
    buckets: LATENCY_BUCKETS_SECONDS,
    bucketsReason,
  }),
  bytesIn: counter({ name: 'storage_bytes_in_total', help: 'Object bytes received' }),
  bytesOut: counter({ name: 'storage_bytes_out_total', help: 'Object bytes sent' }),
  chunksRead: counter({ name: 'storage_chunks_read_total', help: 'Chunks read and verified' }),
  chunksWritten: counter({ name: 'storage_chunks_written_total', help: 'Chunks of committed objects' }),
  objectsStored: counter({
    name: 'storage_objects_stored_total',
    help: 'Uploads that ended well, by whether the object was new',
    labels: { result: ['created', 'present'] },
    zeroFill: true,
  }),
  integrityFail: counter({
    name: 'storage_integrity_fail_total',
    help: 'Stored bytes that no longer hash to their id: found on a read, in a small object, by absence, or at start-up',
    labels: { where: ['chunk', 'inline', 'missing', 'startup'] },
    zeroFill: true,
  }),
  reconciled: counter({
    name: 'storage_reconciled_objects_total',
    help: 'Start-up repairs: files that got their row back, rows dropped because their file is gone',
    labels: { action: ['adopted', 'dropped'] },
    zeroFill: true,
  }),
  refused: counter({
    name: 'storage_refused_total',
    help: 'Objects and reads refused, by reason',
    labels: { reason: REFUSAL_REASONS },
    zeroFill: true,
  }),
  uploadsInflight: gauge({ name: 'storage_uploads_inflight', help: 'Uploads open, from the ticket to the answer' }),
  readsInflight: gauge({ name: 'storage_reads_inflight', help: 'Objects being streamed' }),
  diskFree: gauge({ name: 'storage_disk_free_bytes', help: 'Bytes this service may still write' }),
};

export type StorageMetrics = HandlesOf<typeof storageMetrics>;
