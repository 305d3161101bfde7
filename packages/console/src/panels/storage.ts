import { bucketsOf } from '../history/reading.ts';
import { noneExpected, type Panel } from './panel.ts';

const stored = { metric: 'storage_objects_stored_total', by: 'result' };
const bytesIn = { metric: 'storage_bytes_in_total' };
const bytesOut = { metric: 'storage_bytes_out_total' };
const free = { metric: 'storage_disk_free_bytes' };
const corrupt = { metric: 'storage_integrity_fail_total' };
const get = bucketsOf('storage_get_latency_seconds');
const put = bucketsOf('storage_put_latency_seconds');

/** What one object of the largest size needs: below it the next upload may be refused. */
const FREE_MIN_BYTES = 256 * 1024 * 1024;

export const storagePanel: Panel = {
  id: 'storage',
  title: 'Storage',
  question: 'Do objects get in and out, and is there room?',
  readings: [stored, bytesIn, bytesOut, free, corrupt, get, put],
  stats: [
    {
      label: 'Objects',
      unit: 'count',
      hint: 'New objects stored since the service started.',
      read: (r) => r.total(stored, (result) => result === 'created'),
    },
    {
      label: 'Room left',
      unit: 'bytes',
      hint: 'Bytes this service may still write.',
      read: (r) => r.total(free),
      level: (value) => (value < FREE_MIN_BYTES ? 'bad' : 'ok'),
    },
    {
      label: 'Get p95',
      unit: 'seconds',
      hint: 'To the first verified byte, over the last minute.',
      read: (r) => r.quantile(0.95, get),
    },
    {
      label: 'Put p95',
      unit: 'seconds',
      hint: 'From the last byte to durable, over the last minute.',
      read: (r) => r.quantile(0.95, put),
    },
    {
      label: 'Corrupt',
      unit: 'count',
      hint: 'Stored bytes that no longer hash to their id, since the service started. They are never served.',
      read: (r) => r.total(corrupt),
      level: noneExpected,
    },
  ],
  plots: [
    {
      label: 'Bytes per second',
      unit: 'bytes_per_second',
      lines: [
        { label: 'in', tone: 'blue', read: (r) => r.rate(bytesIn) },
        { label: 'out', tone: 'teal', read: (r) => r.rate(bytesOut) },
      ],
    },
  ],
};
