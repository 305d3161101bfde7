import { bucketsOf } from '../history/reading.ts';
import { fewExpected, noneExpected, type Panel, upTo } from './panel.ts';

const calls = { metric: 'bus_requests_total', by: 'result' };
const wait = bucketsOf('bus_queue_wait_seconds', { side: 'client' });
const depth = { metric: 'bus_stream_depth_entries', by: 'stream' };
const lag = { metric: 'bus_group_lag_seconds', by: 'stream' };
const pending = { metric: 'bus_pending_entries' };
const redelivered = { metric: 'bus_redelivered_total' };
const deadLetters = { metric: 'bus_dead_letters_total' };
const overflow = { metric: 'bus_overflow_total' };

const queued = (stream: string): boolean => stream === 'request' || stream === 'work';
const putAside = (stream: string): boolean => stream === 'dead_letter';
const broken = (result: string): boolean => result !== 'ok' && result !== 'error' && result !== 'canceled';

export const busPanel: Panel = {
  id: 'bus',
  title: 'Bus',
  question: 'Does what is sent arrive, and does anything wait?',
  readings: [calls, wait, depth, lag, pending, redelivered, deadLetters, overflow],
  stats: [
    {
      label: 'Calls',
      unit: 'per_second',
      hint: 'Calls between services that ended, over the last 10 s.',
      read: (r) => r.rate(calls),
    },
    {
      label: 'Broken calls',
      unit: 'per_second',
      hint: 'Calls without an answer of their handler: refused, late, nobody there, or of unknown outcome.',
      read: (r) => r.rate(calls, broken),
      level: fewExpected,
    },
    {
      label: 'Depth',
      unit: 'count',
      hint: 'Entries in the request and work streams.',
      read: (r) => r.shared(depth, queued),
    },
    {
      label: 'Lag',
      unit: 'seconds',
      hint: 'Age of the oldest entry nobody was given yet.',
      read: (r) => r.highest(lag),
      level: upTo(1, 5),
    },
    { label: 'Pending', unit: 'count', hint: 'Entries delivered and not settled.', read: (r) => r.shared(pending) },
    {
      label: 'Redelivered',
      unit: 'per_second',
      hint: 'Entries delivered again because their consumer died or fell silent.',
      read: (r) => r.rate(redelivered),
      level: fewExpected,
    },
    {
      label: 'Dead letters',
      unit: 'count',
      hint: 'Entries put aside and kept for an operator: npx ronctl bus dlq.',
      read: (r) => r.shared(depth, putAside),
      level: noneExpected,
    },
  ],
  plots: [
    {
      label: 'Calls per second',
      unit: 'per_second',
      lines: [
        { label: 'answered', tone: 'green', read: (r) => r.rate(calls, (result) => !broken(result)) },
        { label: 'overflow', tone: 'amber', read: (r) => r.rate(overflow) },
        { label: 'broken', tone: 'red', read: (r) => r.rate(calls, broken) },
      ],
    },
    {
      label: 'Wait before a handler starts',
      unit: 'seconds',
      lines: [
        { label: 'p50', tone: 'blue', read: (r) => r.quantile(0.5, wait) },
        { label: 'p99', tone: 'violet', read: (r) => r.quantile(0.99, wait) },
      ],
    },
  ],
};
