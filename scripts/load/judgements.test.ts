import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../k6/lib/summary.ts';
import { findKnee, judgeRecovery } from './after.ts';
import { parseH2load, parseWrk } from './bulk-output.ts';
import { chooseBulkTool } from './bulk.ts';
import { chooseK6 } from './k6-command.ts';
import { judgeMessages } from './message-ledger.ts';
import { sampleOf } from './ops-sampler.ts';
import { MomentReader } from './progress.ts';
import { exitCodeOfRun } from './verdict.ts';
import { deltasOf } from './without.ts';

const counts = {
  offered: 10,
  accepted: 10,
  delivered: 10,
  redelivered: 0,
  acknowledging: 10,
  acknowledged: 10,
  after_ack: 0,
};

describe('messages', () => {
  it('are all accounted for when each was acknowledged or is still there', () => {
    expect(judgeMessages({ ...counts, acknowledging: 8, acknowledged: 8 }, 2).ok).toBe(true);
  });

  it('are lost when they were accepted, never delivered, and are not there', () => {
    expect(judgeMessages({ ...counts, acknowledging: 8, acknowledged: 8 }, 1)).toMatchObject({ lost: 1, ok: false });
  });

  it('must not come back once their acknowledgement was confirmed', () => {
    expect(judgeMessages(counts, 1)).toMatchObject({ afterAck: 1, ok: false });
    expect(judgeMessages({ ...counts, after_ack: 1 }, 0)).toMatchObject({ afterAck: 1, ok: false });
  });

  it('may be there although their send was not answered, and be gone although their acknowledgement was not', () => {
    expect(judgeMessages({ ...counts, offered: 11 }, 1).ok).toBe(true);
    expect(judgeMessages({ ...counts, acknowledged: 9 }, 0)).toMatchObject({ undecided: 1, ok: true });
  });
});

function reportOf(metrics: Record<string, Record<string, number>>): RunReport {
  const all = Object.entries(metrics).map(([name, values]) => [name, { values }] as const);
  return { metrics: Object.fromEntries(all) } as unknown as RunReport;
}

const phase = (name: string, p95: number, count: number): Record<string, Record<string, number>> => ({
  [`http_req_duration{phase:${name},expected_response:true}`]: { 'p(95)': p95 },
  [`http_reqs{phase:${name}}`]: { count },
});

describe('recovery', () => {
  it.each([
    [50, 60, true],
    [50, 61, false],
    [2, 7, true],
    [2, 8, false],
  ])('from %s ms to %s ms is %s', (first, last, ok) => {
    expect(judgeRecovery(reportOf({ ...phase('first', first, 10), ...phase('last', last, 10) })).ok).toBe(ok);
  });

  it('fails when nothing was asked at the end', () => {
    expect(judgeRecovery(reportOf({ ...phase('first', 5, 10), ...phase('last', 0, 0) })).ok).toBe(false);
  });
});

describe('the knee', () => {
  const phases = [100, 200, 400].map((rate, at) => ({ name: `s${at}`, from: at * 10, to: at * 10 + 10, rate }));
  const bounds = { p95Ms: 80, refused: 0.01, unavailable: 0.001 };

  it('is the last step before one that is too slow', () => {
    const report = reportOf({ ...phase('s0', 5, 1_000), ...phase('s1', 10, 2_000), ...phase('s2', 300, 2_000) });
    const knee = findKnee(report, phases, 25, bounds);
    expect(knee.last).toMatchObject({ offered: 200, done: 200 });
    expect(knee.broke).toMatchObject({ offered: 400, done: 400, broke: 'latency' });
  });

  it('is not where the machine stalled once', () => {
    const report = reportOf({ ...phase('s0', 5, 1_000), ...phase('s1', 300, 2_000), ...phase('s2', 10, 4_000) });
    expect(findKnee(report, phases, 30, bounds)).toMatchObject({ last: { offered: 400 }, broke: undefined });
  });

  it('is not claimed for the node where k6 offered less than it should', () => {
    const report = reportOf({ ...phase('s0', 5, 1_000), ...phase('s1', 10, 1_000) });
    expect(findKnee(report, phases, 20, bounds).broke?.broke).toBe('offered less');
  });

  it('is unknown where the first step broke', () => {
    expect(findKnee(reportOf(phase('s0', 500, 1_000)), phases, 10, bounds).last).toBeUndefined();
  });
});

describe('the exit code', () => {
  const run = { exitCode: 0, timeline: [], profile: 'load', url: '', truths: [], cpuMicros: {}, looks: [] };
  const broken = { name: 'x', instance: '', observed: '', bound: '', ok: false };

  it.each([
    ['a pass', run, 0],
    ['a threshold', { ...run, exitCode: 99 }, 99],
    ['a truth that does not hold', { ...run, truths: [broken] }, 99],
    ['a lost message', { ...run, ledger: judgeMessages(counts, 5) }, 99],
    ['a broken test', { ...run, exitCode: 107, truths: [broken] }, 107],
    ['a knee', { ...run, exitCode: 99, knee: { steps: [], last: undefined, broke: undefined } }, 0],
  ])('of %s', (_, result, code) => {
    expect(exitCodeOfRun(result)).toBe(code);
  });
});

describe('k6', () => {
  it.each([
    [
      { program: '/bin/k6', image: 'grafana/k6:1' },
      { kind: 'program', name: '/bin/k6' },
    ],
    [
      { program: undefined, image: 'grafana/k6:1' },
      { kind: 'image', name: 'grafana/k6:1' },
    ],
    [{ program: undefined, image: undefined }, undefined],
  ])('is a program first, then an image, then built: %j', (sources, choice) => {
    expect(chooseK6(sources)).toEqual(choice);
  });
});

describe('bulk load', () => {
  it('reads what wrk printed', () => {
    const output = `Running 2s test @ http://127.0.0.1:1/openapi.json
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.60ms    9.05ms  79.01ms   92.50%
    Req/Sec     8.30k     4.24k   18.17k    70.00%
  Latency Distribution
     50%  557.00us
     75%    2.07ms
     90%    8.96ms
     99%   51.87ms
  16681 requests in 2.03s, 1.65GB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 4
Requests/sec:   8204.06
Transfer/sec:    829.77MB`;
    expect(parseWrk(output)).toEqual({
      tool: 'wrk',
      requests: 16_681,
      requestsPerSecond: 8_204.06,
      failed: 7,
      meanMs: 3.6,
      p50Ms: 0.557,
      p99Ms: 51.87,
      maxMs: 79.01,
    });
  });

  it('reads what h2load printed, and refuses a run that was never answered', () => {
    const output = `finished in 2.00s, 15039.50 req/s, 1.49GB/s
requests: 30079 total, 30087 started, 30079 done, 30078 succeeded, 1 failed, 0 errored, 0 timeout
status codes: 30078 2xx, 0 3xx, 1 4xx, 0 5xx
                     min         max         mean         sd        +/- sd
time for request:       48us    153.02ms       531us      3.01ms    99.23%`;
    expect(parseH2load(output)).toMatchObject({
      requests: 30_079,
      requestsPerSecond: 15_039.5,
      failed: 1,
      maxMs: 153.02,
    });
    expect(parseH2load(output).meanMs).toBeCloseTo(0.531);
    expect(() => parseH2load(output.replace('30079 total', '0 total'))).toThrow(/not answered once/);
  });

  it('takes the program that is there, else says what to install', () => {
    expect(chooseBulkTool(undefined, (name) => name === 'h2load')).toBe('h2load');
    expect(() => chooseBulkTool('h2load', () => false)).toThrow(/apt-get install nghttp2-client/);
  });
});

it('a scrape becomes one look: streams as a share of their bound, refusals by their code', () => {
  const text = `process_open_fds{service="gateway"} 30
bus_stream_depth_frames{service="a",stream="req"} 25
bus_stream_limit_frames{service="a",stream="req"} 100
http_requests_total{service="gateway",code="200"} 9
http_requests_total{service="gateway",code="429"} 2
http_requests_total{service="gateway",code="503"} 1`;
  expect(sampleOf(text, 5)).toMatchObject({ at: 5, openFds: 30, streamFill: 0.25, refusedAnswers: 3 });
});

it('values of the dashboard are read in the order of the names of all metrics so far', () => {
  const reader = new MomentReader();
  reader.read('metric', '{"time":{},"http_reqs":{},"http_req_duration":{}}');
  reader.read('metric', '{"vus":{},"http_req_failed":{}}');
  const values = '[[1,9,2,0,4,5,6],[0.5],[40,20],[1700],[3]]';
  expect(reader.read('snapshot', values)).toEqual({
    at: 1_700,
    requestsPerSecond: 20,
    p95Ms: 5,
    failedShare: 0.5,
    users: 3,
  });
});

it('a switch is compared by the medians of its rounds', () => {
  const round = (p50: number, cpu: number) => ({
    p50Ms: { 'GET /o/{id}': p50 },
    p95Ms: { 'GET /o/{id}': 2 * p50 },
    requestsPerSecond: 100,
    cpuMicros: { gateway: cpu },
  });
  const deltas = deltasOf([round(1, 90), round(3, 100), round(2, 110)], [round(1, 50), round(1, 60), round(1, 70)]);
  expect(deltas).toContainEqual({ what: 'GET /o/{id} p50 ms', on: 2, without: 1 });
  expect(deltas).toContainEqual({ what: 'gateway CPU µs a request', on: 100, without: 60 });
});
