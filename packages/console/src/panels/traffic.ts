import { bucketsOf } from '../history/reading.ts';
import { fewExpected, noneExpected, type Panel } from './panel.ts';

const requests = { metric: 'http_requests_total', by: 'code' };
/** A long poll lasts as long as its caller asked for. */
const latency = bucketsOf('request_latency_seconds', { route: '/mailbox/recv' });
const inflight = { metric: 'inflight_requests' };
const connections = { metric: 'http_connections' };

const refused = (code: string): boolean => code === '429' || code === '503';
const failed = (code: string): boolean => code.startsWith('5') && code !== '503';
const wrong = (code: string): boolean => code.startsWith('4') && code !== '429';
const served = (code: string): boolean => !refused(code) && !failed(code) && !wrong(code);
const unavailable = (code: string): boolean => code.startsWith('5');

export const trafficPanel: Panel = {
  id: 'traffic',
  title: 'Traffic',
  question: 'Are callers served, and how fast?',
  readings: [requests, latency, inflight, connections],
  stats: [
    {
      label: 'Requests',
      unit: 'per_second',
      hint: 'Answers of the public ports over the last 10 s.',
      read: (r) => r.rate(requests),
    },
    {
      label: 'Available',
      unit: 'share',
      hint: 'Answers that were not 5xx, of all since this page was opened (15 min at most).',
      read: (r) => {
        const all = r.growth(requests);
        return all === undefined || all === 0 ? undefined : 1 - (r.growth(requests, unavailable) ?? 0) / all;
      },
      level: (value, { availability }) => (value < availability ? 'bad' : 'ok'),
    },
    {
      label: 'Failed',
      unit: 'per_second',
      hint: 'Answers 5xx other than 503.',
      read: (r) => r.rate(requests, failed),
      level: noneExpected,
    },
    {
      label: 'Refused',
      unit: 'per_second',
      hint: 'Answers 429 and 503: a bound was full, or something behind was away.',
      read: (r) => r.rate(requests, refused),
      level: fewExpected,
    },
    {
      label: 'p50',
      unit: 'seconds',
      hint: 'Half of the answers of the last minute were faster.',
      read: (r) => r.quantile(0.5, latency),
    },
    {
      label: 'p95',
      unit: 'seconds',
      hint: '95 of 100 answers of the last minute were faster. Long polls are left out.',
      read: (r) => r.quantile(0.95, latency),
      level: (value, { readSeconds }) => (value > readSeconds ? 'warn' : 'ok'),
    },
    {
      label: 'p99',
      unit: 'seconds',
      hint: '99 of 100 answers of the last minute were faster.',
      read: (r) => r.quantile(0.99, latency),
    },
    { label: 'In flight', unit: 'count', hint: 'Requests being answered now.', read: (r) => r.total(inflight) },
    { label: 'Connections', unit: 'count', hint: 'Open client connections.', read: (r) => r.total(connections) },
  ],
  plots: [
    {
      label: 'Answers per second',
      unit: 'per_second',
      lines: [
        { label: 'served', tone: 'green', read: (r) => r.rate(requests, served) },
        { label: 'client error', tone: 'orange', read: (r) => r.rate(requests, wrong) },
        { label: 'refused', tone: 'amber', read: (r) => r.rate(requests, refused) },
        { label: 'failed', tone: 'red', read: (r) => r.rate(requests, failed) },
      ],
    },
    {
      label: 'Time to answer',
      unit: 'seconds',
      lines: [
        { label: 'p50', tone: 'blue', read: (r) => r.quantile(0.5, latency) },
        { label: 'p95', tone: 'teal', read: (r) => r.quantile(0.95, latency) },
        { label: 'p99', tone: 'violet', read: (r) => r.quantile(0.99, latency) },
      ],
      bound: { label: 'objective of reads (p95)', value: ({ readSeconds }) => readSeconds },
    },
  ],
};
