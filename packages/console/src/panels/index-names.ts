import { bucketsOf } from '../history/reading.ts';
import { noneExpected, type Panel } from './panel.ts';

const names = { metric: 'index_stored_names' };
const published = { metric: 'index_names_total' };
const resolved = { metric: 'index_resolve_latency_seconds_count' };
const resolve = bucketsOf('index_resolve_latency_seconds');
const corrupt = { metric: 'index_integrity_fail_total' };

export const indexPanel: Panel = {
  id: 'index',
  title: 'Index',
  question: 'Do names resolve?',
  readings: [names, published, resolved, resolve, corrupt],
  stats: [
    { label: 'Names', unit: 'count', hint: 'Names that have a record.', read: (r) => r.total(names) },
    {
      label: 'Resolve p95',
      unit: 'seconds',
      hint: 'Time to answer a name, over the last minute.',
      read: (r) => r.quantile(0.95, resolve),
    },
    {
      label: 'Corrupt',
      unit: 'count',
      hint: 'Records that no longer match their tag, since the service started. They are never served.',
      read: (r) => r.total(corrupt),
      level: noneExpected,
    },
  ],
  plots: [
    {
      label: 'Names per second',
      unit: 'per_second',
      lines: [
        { label: 'resolved', tone: 'teal', read: (r) => r.rate(resolved) },
        { label: 'published', tone: 'blue', read: (r) => r.rate(published) },
      ],
    },
  ],
};
