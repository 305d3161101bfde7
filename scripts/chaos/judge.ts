// What was seen against what was promised: pure, so that each way of failing is tested on a tampered observation.
import { SLOS } from '@macronode/contracts';
import { type Claim, type Expectation, kindsOf, type Period, spelled, type Which } from './expectation.ts';
import { isGood, type Observation, recoverySeconds, ROUTE_OF, type Sample } from './observation.ts';

export interface Verdict {
  readonly ok: boolean;
  /** Each claim that does not hold, with what was seen instead. */
  readonly violations: readonly string[];
  readonly observed: string;
  readonly recoverySeconds: number | undefined;
}

/** Requests without which nothing can be said: a claim about fewer does not hold. */
const SAMPLES_MIN = 10;

/** What waited for the end of the fault is answered first: objectives are looked at again when that is done. */
const SETTLE_MS = 2_000;

/** The samples of a period. Without recovery the fault lasts to the end. */
function during(period: Period, observation: Observation): readonly Sample[] {
  const { samples, fault } = observation;
  if (period === 'run') return samples;
  const recovered = recoverySeconds(observation);
  const over = recovered === undefined ? Infinity : fault.to + recovered * 1_000 + SETTLE_MS;
  // A request that was still on its way when the fault came belongs to it.
  const outside = ({ at, ms }: Sample): boolean => at + ms < fault.from || at >= over;
  return samples.filter((sample) => outside(sample) === (period === 'outside'));
}

const of = (which: Which, samples: readonly Sample[]): readonly Sample[] => {
  const kinds = new Set(kindsOf(which));
  return samples.filter(({ kind }) => kinds.has(kind));
};

/** Of the good answers, in ms; NaN of none. */
function p95(samples: readonly Sample[]): number {
  const times = samples
    .filter(isGood)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  return times[Math.ceil(times.length * 0.95) - 1] ?? Number.NaN;
}

const share = (samples: readonly Sample[], is: (sample: Sample) => boolean): number =>
  samples.length === 0 ? 0 : samples.filter(is).length / samples.length;

const percent = (part: number): string => `${Number((part * 100).toPrecision(3))} %`;
const spelledMs = (ms: number): string => (Number.isNaN(ms) ? '-' : `${Math.round(ms)} ms`);
const few = (samples: readonly Sample[]): string | undefined =>
  samples.length < SAMPLES_MIN ? `only ${samples.length} requests to judge by` : undefined;

function sloViolation(claim: Extract<Claim, { claim: 'slo' }>, observation: Observation): string | undefined {
  const slo = SLOS[claim.slo];
  const period = during(claim.during, observation);
  if (slo.kind === 'answers') {
    const bad = new RegExp(`^(${slo.badCodes})$`);
    const answered = period.filter(({ status }) => status > 0);
    const good = 1 - share(answered, ({ status }) => bad.test(String(status)));
    return few(answered) ?? (good < slo.objective ? `${percent(good)} good` : undefined);
  }
  const routes: readonly string[] = slo.routes;
  const asked = period.filter((sample) => routes.includes(ROUTE_OF[sample.kind]) && isGood(sample));
  const good = share(asked, ({ ms }) => ms <= slo.boundSeconds * 1_000);
  return few(asked) ?? (good < slo.objective ? `${percent(good)} good, p95 ${Math.round(p95(asked))} ms` : undefined);
}

/** A machine that others use is slow by turns, and says nothing of the node by it: more than twice as slow is the node's. */
const BUSY_MACHINE = 2;

function returnsViolation({ slo }: Extract<Claim, { claim: 'returns' }>, observation: Observation): string | undefined {
  const { routes, boundSeconds } = SLOS[slo];
  const named: readonly string[] = routes;
  const asked = during('outside', observation).filter((one) => named.includes(ROUTE_OF[one.kind]) && isGood(one));
  const before = asked.filter(({ at }) => at < observation.fault.from);
  const after = asked.filter(({ at }) => at >= observation.fault.to);
  const most = BUSY_MACHINE * Math.max(boundSeconds * 1_000, p95(before));
  const missing = few(before) ?? few(after);
  return missing ?? (p95(after) > most ? `${spelledMs(p95(after))}, ${spelledMs(p95(before))} before` : undefined);
}

function keepsViolation({ slo }: Extract<Claim, { claim: 'keeps' }>, observation: Observation): string | undefined {
  const { routes, boundSeconds } = SLOS[slo];
  const named: readonly string[] = routes;
  const { from, to } = observation.fault;
  const asked = observation.samples.filter((one) => named.includes(ROUTE_OF[one.kind]) && isGood(one));
  const before = asked.filter(({ at, ms }) => at + ms < from);
  const meanwhile = asked.filter(({ at }) => at >= from && at < to);
  const most = BUSY_MACHINE * Math.max(boundSeconds * 1_000, p95(before));
  const missing = few(before) ?? few(meanwhile);
  return (
    missing ?? (p95(meanwhile) > most ? `${spelledMs(p95(meanwhile))}, ${spelledMs(p95(before))} before` : undefined)
  );
}

/** Why a failed request was not shed as it has to be. */
function shedViolation(claim: Extract<Claim, { claim: 'shed' }>, { samples }: Observation): string | undefined {
  const wrong = new Map<string, number>();
  for (const sample of samples) {
    const why = unshed(claim, sample);
    if (why !== undefined) wrong.set(why, (wrong.get(why) ?? 0) + 1);
  }
  return wrong.size === 0 ? undefined : [...wrong].map(([why, count]) => `${count} x ${why}`).join(', ');
}

function unshed(claim: Extract<Claim, { claim: 'shed' }>, sample: Sample): string | undefined {
  if (isGood(sample)) return undefined;
  const { kind, status, retryAfter, isWhole } = sample;
  if (!isWhole && status < 400) return undefined;
  if (status === 0) return claim.unanswered ? undefined : `${kind} without an answer`;
  if (!claim.codes.includes(status)) return `${kind} ${status}`;
  const waits = status === 429 || status === 503;
  return waits && !/^[1-9]\d*$/.test(retryAfter) ? `${kind} ${status} with Retry-After '${retryAfter}'` : undefined;
}

function failuresViolation(
  { of: which, share: most, during: period }: Extract<Claim, { claim: 'failures' }>,
  observation: Observation,
): string | undefined {
  const asked = of(which, during(period, observation));
  const failed = share(asked, (sample) => !isGood(sample));
  return few(asked) ?? (failed > most ? `${percent(failed)} failed` : undefined);
}

function bitesViolation(
  { of: which, share: least }: Extract<Claim, { claim: 'bites' }>,
  observation: Observation,
): string | undefined {
  const { from, to } = observation.fault;
  const asked = of(which, observation.samples).filter(({ at }) => at >= from && at < to);
  const failed = share(asked, (sample) => !isGood(sample));
  return few(asked) ?? (failed < least ? `only ${percent(failed)} failed` : undefined);
}

function slowsViolation(
  { of: which, share: least, ms: slow }: Extract<Claim, { claim: 'slows' }>,
  observation: Observation,
): string | undefined {
  const { from, to } = observation.fault;
  const asked = of(which, observation.samples).filter(({ at }) => at >= from && at < to);
  const slowed = share(asked, ({ ms }) => ms >= slow);
  return few(asked) ?? (slowed < least ? `only ${percent(slowed)}` : undefined);
}

function accountedViolation({ refusals: { seen, counted, unanswered } }: Observation): string | undefined {
  return counted >= seen && counted <= seen + unanswered
    ? undefined
    : `clients saw ${seen} and missed ${unanswered}, gateways counted ${counted}`;
}

function ledgerViolation({ lost, repeated, findings }: Observation): string | undefined {
  const parts = [
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(repeated > 0 ? [`${repeated} again after their acknowledgement`] : []),
    ...findings,
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}

function violation(claim: Claim, observation: Observation): string | undefined {
  switch (claim.claim) {
    case 'slo':
      return sloViolation(claim, observation);
    case 'returns':
      return returnsViolation(claim, observation);
    case 'keeps':
      return keepsViolation(claim, observation);
    case 'p95': {
      const asked = of(claim.of, during(claim.during, observation)).filter(isGood);
      const seen = p95(asked);
      return few(asked) ?? (seen >= claim.ms ? `${Math.round(seen)} ms` : undefined);
    }
    case 'failures':
      return failuresViolation(claim, observation);
    case 'bites':
      return bitesViolation(claim, observation);
    case 'slows':
      return slowsViolation(claim, observation);
    case 'shed':
      return shedViolation(claim, observation);
    case 'accounted':
      return accountedViolation(observation);
    case 'memory':
      return observation.peakMib > claim.mib ? `${Math.round(observation.peakMib)} MiB` : undefined;
    case 'recovery': {
      const seconds = recoverySeconds(observation);
      return seconds === undefined ? 'never well again' : seconds > claim.seconds ? `${seconds} s` : undefined;
    }
    case 'ledger':
      return ledgerViolation(observation);
  }
}

/** How the requests went, in one line. */
function seen(observation: Observation): string {
  const meanwhile = during('fault', observation);
  const codes = new Map<string, number>();
  for (const { status, isWhole } of observation.samples.filter((sample) => !isGood(sample))) {
    const how = isWhole ? String(status || 'no answer') : 'broken off';
    codes.set(how, (codes.get(how) ?? 0) + 1);
  }
  const failed = (which: Which): string => percent(share(of(which, meanwhile), (sample) => !isGood(sample)));
  const { seen: told, counted } = observation.refusals;
  return [
    `${observation.samples.length} requests`,
    `meanwhile ${failed('reads')} of reads and ${failed('writes')} of writes failed, p95 of reads ${spelledMs(p95(of('reads', meanwhile)))}`,
    `else p95 of reads ${spelledMs(p95(of('reads', during('outside', observation))))}`,
    [...codes].map(([code, count]) => `${code} x ${count}`).join(', ') || 'no failure',
    `refusals seen ${told}, counted ${counted}`,
    `peak ${Math.round(observation.peakMib)} MiB`,
    ...observation.notes,
  ].join('; ');
}

/** Judges every claim. A scenario is well only when all of them hold. */
export function judge(expectation: Expectation, observation: Observation): Verdict {
  const violations = expectation.flatMap((claim) => {
    const wrong = violation(claim, observation);
    return wrong === undefined ? [] : [`${spelled(claim)}: ${wrong}`];
  });
  return {
    ok: violations.length === 0 && expectation.length > 0,
    violations,
    observed: seen(observation),
    recoverySeconds: recoverySeconds(observation),
  };
}
