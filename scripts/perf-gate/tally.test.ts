import { expect, it } from 'vitest';
import type { LoadReport } from '../load/load-tally.ts';
import { readMetrics } from '../measure/metrics.ts';
import { FlowTally } from './tally.ts';

const report = (answers: LoadReport['answers'], failedChecks: LoadReport['failedChecks'] = {}): LoadReport => ({
  turns: 1,
  requests: Object.values(answers).reduce((sum, count) => sum + count, 0),
  answers,
  failedRequests: 0,
  failedChecks,
  droppedTurns: 0,
  elapsedMs: 1,
  latencies: {},
});

it('parts what a node answered into what the budgets speak of', () => {
  const tally = new FlowTally();
  const before = readMetrics('bus_requests_total 100\nbus_overflow_total{gate="a"} 1');
  const after = readMetrics('bus_requests_total 300\nbus_overflow_total{gate="a"} 3\nbus_lagged_total 4');
  const one = report({ 'GET /o/{id} 200': 90, 'GET /o/{id} 500': 2, 'GET /o/{id} 0': 1, 'PUT /o/{id} 429': 3 });
  const two = report({ 'GET /o/{id} 503': 4 }, { 'GET: every byte comes': 1 });
  tally.add([one, two], before, after);
  expect(tally.counts()).toEqual({
    requests: 100,
    serverErrors: 3,
    rejects: 7,
    failedChecks: { 'GET: every byte comes': 1 },
    busMessages: 200,
    busOverflow: 6,
  });
});
