import { describe, expect, it } from 'vitest';
import { Collector } from './collector.ts';
import { CONSOLE_LIMITS } from './history/limits.ts';
import type { OpsAnswers } from './instance.ts';

function answers(service: string, startedAt: number, metrics = ''): OpsAnswers {
  return {
    readiness: { service, ready: true, write_ready: true, missing: [], retry_after: null },
    version: { service, version: '1.0.0', git_sha: 'dev', node: 'v24', profile: 'macronode', amnesia: true },
    metrics: `process_start_time_seconds{service="${service}"} ${startedAt}\n${metrics}`,
  };
}

const readings = [{ metric: 'http_requests_total', by: 'code' }, { metric: 'http_requests_total' }];
const scrape = [
  'http_requests_total{service="gateway",route="/o",code="200"} 3',
  'http_requests_total{service="gateway",route="/n",code="200"} 4',
  'http_requests_total{service="gateway",route="/n",code="404"} 5',
  'http_requests_total{service="other",route="/n",code="200"} NaN',
].join('\n');

function collector(ask: (url: string) => Promise<OpsAnswers>, clock: () => number = () => 0) {
  return new Collector({
    node: 'gateway',
    self: () => Promise.resolve(answers('gateway', 1, scrape)),
    peers: [
      { name: 'gateway', url: 'http://self:1' },
      { name: 'storage', url: 'http://storage:1' },
    ],
    readings,
    ask,
    clock,
  });
}

describe('the state', () => {
  it('adds series up over every label but the one a reading keeps, and leaves out what is no number', async () => {
    const { instances } = await collector(() => Promise.resolve(answers('storage', 2))).state();
    expect(instances[0]?.services).toEqual([
      {
        service: 'gateway',
        values: { 'http_requests_total by code': { 200: 7, 404: 5 }, http_requests_total: { '': 12 } },
      },
    ]);
  });

  it('shows this process once although the list names it', async () => {
    const ask = (url: string) => Promise.resolve(url.includes('self') ? answers('gateway', 1) : answers('storage', 1));
    const { instances } = await collector(ask).state();
    expect(instances.map(({ id }) => id)).toEqual(['self', 'http://storage:1']);
  });

  it('holds the problem of a peer that does not answer, or not as an ops port does', async () => {
    const refused = Object.assign(new Error('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
    const ask = (url: string) =>
      url.includes('self') ? Promise.resolve({ ...answers('x', 3), version: {} }) : Promise.reject(refused);
    const { instances } = await collector(ask).state();
    expect(instances.map(({ problem }) => problem)).toEqual([
      null,
      'not the answer of an ops port',
      'connection refused',
    ]);
  });

  it('is collected once for everybody who looks within its age', async () => {
    let asked = 0;
    let now = 10_000;
    const ask = () => {
      asked += 1;
      return Promise.resolve(answers('storage', 2));
    };
    const one = collector(ask, () => now);
    await Promise.all([one.state(), one.state(), one.state()]);
    now += CONSOLE_LIMITS.stateAgeMs - 1;
    await one.state();
    expect(asked).toBe(2);
    now += 1;
    await one.state();
    expect(asked).toBe(4);
  });
});
