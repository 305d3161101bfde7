import { SLOS, type SloName } from '@macronode/contracts';
import { type Kind, READS, WRITES } from './observation.ts';

/** The whole run; from making the fault until shortly after recovery; everything before and after that. */
export type Period = 'run' | 'fault' | 'outside';
export type Which = 'reads' | 'writes' | 'all' | readonly Kind[];
type JudgedSlo = Exclude<SloName, 'bus_delivery'>;
type LatencySloName = Exclude<
  { [K in SloName]: (typeof SLOS)[K]['kind'] extends 'latency' ? K : never }[SloName],
  'object_get_latency_far'
>;

/** What a scenario promises, one condition each. All of them are judged; text for people is made from the same data. */
export type Claim =
  /** A service level of docs/slo.md, counted over the requests of a period. */
  | { readonly claim: 'slo'; readonly slo: JudgedSlo; readonly during: Period }
  /** After recovery p95 of its routes is at most twice its bound, or twice what it was before: machines are shared. */
  | { readonly claim: 'returns'; readonly slo: LatencySloName }
  /** While the fault lasts p95 of its routes is at most twice its bound, or twice what it was before: machines are shared. */
  | { readonly claim: 'keeps'; readonly slo: LatencySloName }
  /** 95 % of the good answers come within so many ms. */
  | { readonly claim: 'p95'; readonly of: Which; readonly ms: number; readonly during: Period }
  /** At most this share of requests fails, in whichever way. */
  | { readonly claim: 'failures'; readonly of: Which; readonly share: number; readonly during: Period }
  /** At least this share of requests is refused: the fault is really there. */
  | { readonly claim: 'bites'; readonly of: Which; readonly share: number }
  /** At least this share of requests takes so many ms or longer: the fault is really there. */
  | { readonly claim: 'slows'; readonly of: Which; readonly share: number; readonly ms: number }
  /**
   * What fails is answered with one of these codes only, 429 and 503 with Retry-After, or its body breaks off where it had
   * begun; unanswered only if said.
   */
  | { readonly claim: 'shed'; readonly codes: readonly number[]; readonly unanswered: boolean }
  /** The gateways counted every refusal the clients saw, and no more than they can have missed. */
  | { readonly claim: 'accounted' }
  | { readonly claim: 'memory'; readonly mib: number }
  | { readonly claim: 'recovery'; readonly seconds: number }
  /** Nothing acknowledged is lost, no message comes again after its acknowledgement, and the scenario's own checks hold. */
  | { readonly claim: 'ledger' };

export type Expectation = readonly Claim[];

const PERIOD: Readonly<Record<Period, string>> = {
  run: 'throughout',
  fault: 'meanwhile',
  outside: 'before and after',
};

const spelledWhich = (which: Which): string => (typeof which === 'string' ? which : which.join(', '));

export const kindsOf = (which: Which): readonly Kind[] =>
  which === 'reads' ? READS : which === 'writes' ? WRITES : which === 'all' ? [...READS, ...WRITES] : which;

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

/** A claim in a few words. */
export function spelled(claim: Claim): string {
  switch (claim.claim) {
    case 'slo':
      return `${claim.slo} (${SLOS[claim.slo].objective * 100} %) ${PERIOD[claim.during]}`;
    case 'returns':
      return `${claim.slo} or as before again, give or take a factor of two`;
    case 'keeps':
      return `${claim.slo} or as before meanwhile too, give or take a factor of two`;
    case 'p95':
      return `p95 of ${spelledWhich(claim.of)} < ${claim.ms} ms ${PERIOD[claim.during]}`;
    case 'failures':
      return claim.share === 0
        ? `no failure of ${spelledWhich(claim.of)} ${PERIOD[claim.during]}`
        : `failures of ${spelledWhich(claim.of)} <= ${percent(claim.share)} ${PERIOD[claim.during]}`;
    case 'bites':
      return `>= ${percent(claim.share)} of ${spelledWhich(claim.of)} refused meanwhile`;
    case 'slows':
      return `>= ${percent(claim.share)} of ${spelledWhich(claim.of)} take ${claim.ms} ms or more meanwhile`;
    case 'shed':
      return `shed by ${claim.codes.join(', ')}${claim.unanswered ? ' or no answer' : ''} only`;
    case 'accounted':
      return 'every refusal counted';
    case 'memory':
      return `<= ${claim.mib} MiB each`;
    case 'recovery':
      return `well within ${claim.seconds} s`;
    case 'ledger':
      return 'nothing lost';
  }
}

export const spelledExpectation = (expectation: Expectation): string => expectation.map(spelled).join('; ');

/** Far above what a service takes under this load (about 150 MiB), far below what a leak of a minute would. */
const MEMORY_MIB = 600;

/** What every scenario promises. `unanswered` where a gateway may be gone. */
export const always = ({
  recovery,
  unanswered = false,
  codes = [429, 502, 503, 504],
}: {
  readonly recovery: number;
  readonly unanswered?: boolean;
  readonly codes?: readonly number[];
}): Expectation => [
  { claim: 'shed', codes, unanswered },
  { claim: 'recovery', seconds: recovery },
  { claim: 'memory', mib: MEMORY_MIB },
  { claim: 'ledger' },
];

/** What is not broken answers, and what was broken is as quick again as it was. */
export const sound = (during: Period): Expectation => [
  { claim: 'slo', slo: 'availability', during },
  { claim: 'returns', slo: 'object_get_latency' },
  { claim: 'returns', slo: 'object_put_latency' },
];

/** The same where the load is of a log. */
export const soundLog = (during: Period): Expectation => [
  { claim: 'slo', slo: 'availability', during },
  { claim: 'returns', slo: 'registry_head_latency' },
  { claim: 'returns', slo: 'registry_commit_latency' },
];

/** Far above what a head takes, far below what waiting for the writes would. */
const READS_P95_MS = 250;

/** What scenarios about writes promise: the log is sound before and after, and its reads go on as if nothing were. */
export const readsGoOn = (promised: Parameters<typeof always>[0], ...more: readonly Claim[]): Expectation => [
  ...always(promised),
  ...soundLog('outside'),
  { claim: 'failures', of: 'reads', share: 0.01, during: 'run' },
  { claim: 'p95', of: 'reads', ms: READS_P95_MS, during: 'fault' },
  ...more,
];

export const ACCOUNTED: Claim = Object.freeze({ claim: 'accounted' });

/** What scenarios about the mesh promise: requests go on as if nothing were, throughout. */
export const requestsGoOn = (promised: Parameters<typeof always>[0], ...more: readonly Claim[]): Expectation => [
  ...always(promised),
  ...sound('run'),
  { claim: 'failures', of: 'all', share: 0.01, during: 'run' },
  { claim: 'keeps', slo: 'object_get_latency' },
  { claim: 'keeps', slo: 'object_put_latency' },
  ...more,
];
