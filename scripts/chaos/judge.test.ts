import { expect, test } from 'vitest';
import type { Claim } from './expectation.ts';
import { judge } from './judge.ts';
import { KINDS, LOG_KINDS, type Observation, recoverySeconds, type Sample } from './observation.ts';

const FAULT = { from: 5_000, to: 8_000 };
const EVERY_MS = 20;

/** Twenty seconds of everything, refused as it should be while the fault lasts. */
const sound = (): Observation => {
  const samples: Sample[] = [];
  for (let at = 0; at < 20_000; at += EVERY_MS) {
    const refused = at >= FAULT.from && at < FAULT.to;
    const kind = KINDS[(at / EVERY_MS) % KINDS.length] ?? 'get';
    samples.push({ kind, at, ms: 10, status: refused ? 503 : 200, retryAfter: refused ? '1' : '', isWhole: true });
  }
  const seen = samples.filter(({ status }) => status >= 400).length;
  const refusals = { seen, counted: seen, unanswered: 0 };
  return { samples, fault: FAULT, lost: 0, repeated: 0, refusals, peakMib: 150, findings: [], notes: [] };
};

/** The same with some of its requests changed. */
const tampered = (
  which: (sample: Sample) => boolean,
  change: Partial<Sample>,
  more: Partial<Observation> = {},
): Observation => {
  const observation = sound();
  return {
    ...observation,
    samples: observation.samples.map((sample) => (which(sample) ? { ...sample, ...change } : sample)),
    ...more,
  };
};

const isRefused = ({ status }: Sample): boolean => status === 503;
const isEarlyRead = ({ kind, at }: Sample): boolean => kind === 'get' && at < 2_000;
const shed: Claim = { claim: 'shed', codes: [429, 503, 504], unanswered: false };

/** Each claim with an observation under which it holds, and those that break it. */
const CASES: readonly (readonly [claim: Claim, holds: Observation, broken: Readonly<Record<string, Observation>>])[] = [
  [
    { claim: 'slo', slo: 'object_get_latency', during: 'outside' },
    sound(),
    {
      'slow reads before the fault': tampered(({ at }) => at < 2_000, { ms: 81 }),
      'no reads at all': tampered(() => true, { kind: 'put' }),
    },
  ],
  [
    { claim: 'slo', slo: 'object_put_latency', during: 'outside' },
    sound(),
    { 'slow writes after it': tampered(({ kind, at }) => kind === 'put' && at > 10_000, { ms: 151 }) },
  ],
  [
    { claim: 'keeps', slo: 'object_put_latency' },
    tampered(({ kind, at }) => kind === 'put' && at >= FAULT.from, { status: 200, ms: 299 }),
    {
      'slower than twice its bound meanwhile': tampered(({ kind, at }) => kind === 'put' && at >= FAULT.from, {
        status: 200,
        ms: 301,
      }),
      'nothing was answered meanwhile': sound(),
    },
  ],
  [
    { claim: 'slo', slo: 'object_get_latency_far', during: 'run' },
    sound(),
    { 'reads of more than 200 ms': tampered(({ kind, at }) => kind === 'head' && at > 8_000, { ms: 201 }) },
  ],
  [
    { claim: 'slo', slo: 'availability', during: 'outside' },
    sound(),
    {
      'an error before the fault': tampered(isEarlyRead, { status: 500 }),
      'nothing but silence': tampered(() => true, { status: 0 }),
    },
  ],
  [
    { claim: 'slo', slo: 'availability', during: 'run' },
    tampered(isRefused, { status: 200 }),
    { 'refusals of the fault': sound() },
  ],
  [
    { claim: 'slo', slo: 'admission', during: 'outside' },
    sound(),
    { 'refusals without a fault': tampered(isEarlyRead, { status: 429, retryAfter: '1' }) },
  ],
  [
    { claim: 'returns', slo: 'object_get_latency' },
    tampered(() => true, { ms: 300 }),
    {
      'more than twice as slow as promised': tampered(({ at }) => at >= 10_000, { ms: 161 }),
      'slower still where it was slow': tampered(({ at }) => at >= 10_000, { ms: 700 }),
      'nothing to compare with': tampered(({ at }) => at >= FAULT.to, { kind: 'put' }),
    },
  ],
  [
    { claim: 'returns', slo: 'object_put_latency' },
    tampered(({ at }) => at >= 10_000, { ms: 300 }),
    { 'writes far beyond the objective': tampered(({ at }) => at >= 10_000, { ms: 301 }) },
  ],
  [
    { claim: 'p95', of: 'reads', ms: 500, during: 'run' },
    sound(),
    { 'a tenth of the reads is slow': tampered(({ at }) => at >= 10_000, { ms: 501 }) },
  ],
  [
    { claim: 'failures', of: 'reads', share: 0.01, during: 'fault' },
    tampered(({ kind }) => kind !== 'put', { status: 200 }),
    { 'reads fail meanwhile': sound() },
  ],
  [
    { claim: 'failures', of: 'all', share: 0, during: 'outside' },
    sound(),
    { 'one failed before': tampered(({ at }) => at === 100, { status: 0 }) },
  ],
  [
    { claim: 'failures', of: ['get'], share: 0, during: 'outside' },
    sound(),
    { 'a body broke off': tampered(({ kind, at }) => kind === 'get' && at < 1_000, { isWhole: false }) },
  ],
  [
    { claim: 'slows', of: 'all', share: 0.9, ms: 300 },
    tampered(isRefused, { ms: 300 }),
    {
      'the fault slowed nothing': sound(),
      'it slowed too few': tampered(({ at }) => at >= FAULT.from + 1_000 && at < FAULT.to, { ms: 300 }),
    },
  ],
  [
    { claim: 'bites', of: 'all', share: 0.9 },
    sound(),
    { 'the fault did nothing': tampered(isRefused, { status: 200 }) },
  ],
  [
    shed,
    sound(),
    {
      'a code nobody may answer with': tampered(({ at }) => at === FAULT.from, { status: 500 }),
      'an acknowledged object that is not found': tampered(({ at }) => at === 12_000, { status: 404 }),
      'a refusal without Retry-After': tampered(({ at }) => at === FAULT.from, { retryAfter: '' }),
      'a refusal that asks to come back at once': tampered(({ at }) => at === FAULT.from, { retryAfter: '0' }),
      'a refusal with a date': tampered(({ at }) => at === FAULT.from, { retryAfter: 'Thu, 26 Nov 2026 20:00:00 GMT' }),
      'no answer': tampered(({ at }) => at === FAULT.from, { status: 0, retryAfter: '' }),
    },
  ],
  [
    shed,
    tampered(({ kind, at }) => kind === 'get' && at === FAULT.from, { status: 200, isWhole: false }),
    { 'an error that breaks off': tampered(({ at }) => at === FAULT.from, { status: 500, isWhole: false }) },
  ],
  [
    { ...shed, unanswered: true },
    tampered(isRefused, { status: 0, retryAfter: '' }),
    { 'still another code': tampered(isRefused, { status: 502 }) },
  ],
  [
    { claim: 'accounted' },
    tampered(() => false, {}, { refusals: { seen: 10, counted: 12, unanswered: 2 } }),
    {
      'a refusal nobody counted': tampered(() => false, {}, { refusals: { seen: 10, counted: 9, unanswered: 5 } }),
      'more counted than anybody can have seen': tampered(
        () => false,
        {},
        { refusals: { seen: 10, counted: 13, unanswered: 2 } },
      ),
    },
  ],
  [{ claim: 'memory', mib: 600 }, sound(), { 'a process that grew': tampered(() => false, {}, { peakMib: 601 }) }],
  [
    { claim: 'recovery', seconds: 2 },
    sound(),
    {
      'well too late': tampered(({ at }) => at >= FAULT.to && at < 10_500, { status: 503, retryAfter: '1' }),
      'never well': tampered(({ at }) => at % 500 === 0, { status: 503, retryAfter: '1' }),
      'one kind never comes back': tampered(({ kind, at }) => kind === 'publish' && at >= FAULT.to, { status: 503 }),
      'one kind is no longer asked for': tampered(({ kind, at }) => kind === 'send' && at >= FAULT.to, { kind: 'get' }),
      'answers that are waited for': tampered(({ at }) => at >= FAULT.to, { ms: 1_001 }),
    },
  ],
  [
    { claim: 'ledger' },
    sound(),
    {
      'an acknowledged write is lost': tampered(() => false, {}, { lost: 1 }),
      'a message came again after its acknowledgement': tampered(() => false, {}, { repeated: 1 }),
      'a check of the scenario failed': tampered(() => false, {}, { findings: ['a short lease ended early'] }),
    },
  ],
];

for (const [claim, holds, broken] of CASES) {
  const name = JSON.stringify(claim);
  test(`${name} holds`, () => {
    expect(judge([claim], holds).violations).toEqual([]);
    expect(judge([claim], holds).ok).toBe(true);
  });
  test.each(Object.entries(broken))(`${name} is broken by: %s`, (_why, observation) => {
    expect(judge([claim], observation).ok).toBe(false);
    expect(judge([claim], observation).violations).toHaveLength(1);
  });
}

test('nothing expected is nothing shown: it is not ok', () => {
  expect(judge([], sound()).ok).toBe(false);
});

test('a claim about requests that were not made does not hold', () => {
  const silent = { ...sound(), samples: [] };
  const claims: readonly Claim[] = [
    { claim: 'slo', slo: 'availability', during: 'run' },
    { claim: 'p95', of: 'all', ms: 100, during: 'run' },
    { claim: 'failures', of: 'all', share: 1, during: 'run' },
    { claim: 'recovery', seconds: 60 },
  ];
  expect(judge(claims, silent).violations).toHaveLength(claims.length);
});

test('recovery is counted from mending, to the beginning of the first second without a failure', () => {
  expect(recoverySeconds(sound())).toBe(0);
  const late = tampered(({ at }) => at >= FAULT.to && at < 9_500, { status: 503 });
  expect(recoverySeconds(late)).toBe(1.5);
  expect(recoverySeconds({ ...late, samples: late.samples.filter(({ at }) => at < 10_000) })).toBeUndefined();
});

test('a log is well again when all of its own kinds are, whatever users of objects ask for', () => {
  const kindOf = (at: number): Sample['kind'] => LOG_KINDS[(at / EVERY_MS) % LOG_KINDS.length] ?? 'log_head';
  const { samples, ...rest } = sound();
  const ofLog = { ...rest, samples: samples.map((sample) => ({ ...sample, kind: kindOf(sample.at) })) };
  expect(recoverySeconds(ofLog)).toBe(0);
  const without = ofLog.samples.filter(({ kind, at }) => kind !== 'commit' || at < FAULT.to);
  expect(recoverySeconds({ ...ofLog, samples: without })).toBeUndefined();
  const returns: Claim = { claim: 'returns', slo: 'registry_commit_latency' };
  expect(judge([returns], ofLog).ok).toBe(true);
  const slow = ofLog.samples.map((one) => (one.kind === 'commit' && one.at >= FAULT.to ? { ...one, ms: 1_501 } : one));
  expect(judge([returns], { ...ofLog, samples: slow }).ok).toBe(false);
});

test('a request that was on its way when the fault came belongs to the fault', () => {
  const caught = tampered(({ kind, at }) => kind === 'get' && at > 4_500 && at < FAULT.from, { ms: 700, status: 503 });
  const claim: Claim = { claim: 'failures', of: 'all', share: 0, during: 'outside' };
  expect(judge([claim], caught).violations).toEqual([]);
});
