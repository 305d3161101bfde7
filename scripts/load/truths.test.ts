import { describe, expect, it } from 'vitest';
import type { OpsSample } from './ops-sampler.ts';
import { type TruthRun, truthsOf } from './truths.ts';

const QUIET: OpsSample = {
  at: 0,
  rssBytes: 100e6,
  liveBytes: 40e6,
  openFds: 30,
  maxFds: 1_000,
  lagP99S: 0.01,
  cpuS: 0,
  streamFill: 0.1,
  pending: 0,
  published: 0,
  overflowed: 0,
  rejected: 0,
  refusedAnswers: 0,
};
const RUN: TruthRun = { from: 0, to: 1_000, isSteady: true, refusals: 0, unanswered: 0 };

const verdicts = (change: (at: number) => Partial<OpsSample>, run: Partial<TruthRun> = {}) => {
  const samples = Array.from({ length: 101 }, (_, at) => ({
    ...QUIET,
    at: at * 10,
    published: at * 1_000,
    ...change(at),
  }));
  const truths = truthsOf([{ instance: 'storage-0', samples }], { ...RUN, ...run });
  return Object.fromEntries(truths.map(({ name, ok }) => [name, ok]));
};

it('a quiet node holds every truth', () => {
  expect(Object.values(verdicts(() => ({})))).toEqual(Array.from({ length: 10 }, () => true));
});

describe('what is noticed', () => {
  it.each<[string, (at: number) => Partial<OpsSample>]>([
    ['memory is flat', (at) => ({ rssBytes: 100e6 + at * 0.2e6 })],
    ['nothing leaks', (at) => ({ liveBytes: 40e6 + at * 0.3e6 })],
    ['descriptors come back', (at) => ({ openFds: 30 + Math.floor(at / 10) })],
    ['descriptors stay below their limit', () => ({ openFds: 701 })],
    ['the event loop is free', () => ({ lagP99S: 0.06 })],
    ['streams stay short', (at) => ({ streamFill: at === 50 ? 0.6 : 0 })],
    ['streams are empty afterwards', (at) => ({ pending: at === 100 ? 1 : 0 })],
    ['the bus does not overflow', (at) => ({ overflowed: at })],
    ['every refusal is counted', (at) => ({ refusedAnswers: at })],
  ])('%s', (name, change) => {
    const failed = Object.entries(verdicts(change)).filter(([, ok]) => ok === false);
    expect(failed.map(([one]) => one)).toEqual([name]);
  });

  it('refusals that clients saw and the gateway did not count', () => {
    expect(verdicts(() => ({}), { refusals: 1 })['every refusal is counted']).toBe(false);
  });

  it('a busy event loop in a load that was over before anybody looked', () => {
    expect(verdicts(() => ({ lagP99S: 0.06 }), { from: 4, to: 6 })['the event loop is free']).toBe(false);
  });

  it('a process that was never seen', () => {
    expect(truthsOf([{ instance: 'index-0', samples: [] }], RUN)[0]?.ok).toBe(false);
  });
});

it('memory of a short load is shown and not judged, and so is the event loop under overload', () => {
  const short = verdicts((at) => ({ rssBytes: 100e6 + at * 1e6, lagP99S: 1 }), { to: 300, isSteady: false });
  expect(short['memory is flat']).toBeUndefined();
  expect(short['the event loop is free']).toBeUndefined();
});

it('a heap that fills and is collected is flat wherever the load was cut; one whose peaks rise is not', () => {
  const sawtooth = (at: number): number => 100e6 + (at % 37) * 2e6;
  expect(verdicts((at) => ({ rssBytes: sawtooth(at) }))['memory is flat']).toBe(true);
  expect(verdicts((at) => ({ rssBytes: sawtooth(at) + at * 0.3e6 }))['memory is flat']).toBe(false);
});

it('a leak is what the least live memory of each half shows, not what a collection met under way', () => {
  const busy = (at: number): number => (at % 10 === 0 ? 40e6 : 60e6);
  expect(verdicts((at) => ({ liveBytes: busy(at) }))['nothing leaks']).toBe(true);
  expect(verdicts((at) => ({ liveBytes: busy(at) + at * 0.3e6 }))['nothing leaks']).toBe(false);
});

it('a process without a full collection cannot be said to leak', () => {
  expect(verdicts(() => ({ liveBytes: 0 }))['nothing leaks']).toBe(true);
});
