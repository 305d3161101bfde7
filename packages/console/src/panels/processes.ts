import { type Panel, upTo } from './panel.ts';

const cpu = { metric: 'process_cpu_seconds_total' };
const memory = { metric: 'process_resident_memory_bytes' };
const heap = { metric: 'nodejs_heap_size_used_bytes' };
const lag = { metric: 'nodejs_eventloop_lag_p99_seconds' };
const files = { metric: 'process_open_fds' };
const restarts = { metric: 'service_restarts_total' };

export const processesPanel: Panel = {
  id: 'processes',
  title: 'Processes',
  question: 'Does any process run out of something?',
  readings: [cpu, memory, heap, lag, files, restarts],
  stats: [],
  plots: [
    {
      label: 'CPU, all processes',
      unit: 'cores',
      lines: [{ label: 'cores in use', tone: 'blue', read: (r) => r.rate(cpu) }],
    },
    {
      label: 'Event-loop lag, p99',
      unit: 'seconds',
      lines: [{ label: 'slowest process', tone: 'violet', read: (r) => r.highest(lag) }],
    },
  ],
  table: {
    label: 'Every process by itself',
    columns: [
      { label: 'CPU', unit: 'cores', read: (r) => r.rate(cpu), level: upTo(0.7, 0.9) },
      { label: 'Memory', unit: 'bytes', read: (r) => r.total(memory) },
      { label: 'Heap', unit: 'bytes', read: (r) => r.total(heap) },
      { label: 'Loop p99', unit: 'seconds', read: (r) => r.highest(lag), level: upTo(0.05, 0.1) },
      { label: 'Files', unit: 'count', read: (r) => r.total(files) },
      { label: 'Restarts', unit: 'count', read: (r) => r.highest(restarts) },
      {
        label: 'Up for',
        unit: 'seconds',
        read: (_r, { at, started_at }) => (started_at === null ? undefined : at / 1_000 - started_at),
      },
    ],
  },
};
