import type { RouteName } from '@macronode/contracts';

/** One of everything a user does; the load asks for each of them several times a second. */
export const KINDS = Object.freeze([
  'get',
  'head',
  'range',
  'not_modified',
  'name_read',
  'put',
  'publish',
  'send',
  'receive',
  'ack',
] as const);
/** One of everything readers and signers of a log do: the load of scenarios about the registry asks for these instead. */
export const LOG_KINDS = Object.freeze([
  'log_head',
  'log_version',
  'log_page',
  'propose',
  'approve',
  'commit',
] as const);
export type UserKind = (typeof KINDS)[number];
export type LogKind = (typeof LOG_KINDS)[number];
export type Kind = UserKind | LogKind;

export const READS: readonly Kind[] = Object.freeze([
  ...(['get', 'head', 'range', 'not_modified', 'name_read'] as const),
  ...(['log_head', 'log_version', 'log_page'] as const),
]);
export const WRITES: readonly Kind[] = Object.freeze([
  ...(['put', 'publish', 'send', 'receive', 'ack'] as const),
  ...(['propose', 'approve', 'commit'] as const),
]);

/** The route each kind asks. */
export const ROUTE_OF = Object.freeze({
  get: 'objectGet',
  head: 'objectHead',
  range: 'objectGet',
  not_modified: 'objectGet',
  name_read: 'nameRead',
  put: 'objectPut',
  publish: 'namePut',
  send: 'mailboxSend',
  receive: 'mailboxRecv',
  ack: 'mailboxAck',
  log_head: 'registryHead',
  log_version: 'registryEntry',
  log_page: 'registryLog',
  propose: 'registryPropose',
  approve: 'registryApprove',
  commit: 'registryCommit',
} as const satisfies Record<Kind, RouteName>);

/** One request of the load, and how it went. Times are ms since the load began. */
export interface Sample {
  readonly kind: Kind;
  /** When it was sent: an open-loop load sends on time whatever became of the requests before. */
  readonly at: number;
  readonly ms: number;
  /** 0 when no answer came. */
  readonly status: number;
  /** The header of a refusal as it came; empty when there was none. */
  readonly retryAfter: string;
  /** False when the body broke off after its head: the only way left to fail then, and one its Content-Length shows. */
  readonly isWhole: boolean;
}

/** Everything a run saw: what an expectation is judged by, and nothing else. */
export interface Observation {
  readonly samples: readonly Sample[];
  /** From making the fault to having mended it, in ms since the load began. */
  readonly fault: { readonly from: number; readonly to: number };
  /** Acknowledged objects, names, messages and versions that are not there, or not as they were acknowledged. */
  readonly lost: number;
  /** Messages that came again after their acknowledgement had been confirmed. */
  readonly repeated: number;
  /** Error answers the clients saw, those the gateways counted, and requests whose answer the clients did not see, or not whole. */
  readonly refusals: { readonly seen: number; readonly counted: number; readonly unanswered: number };
  /** Largest resident set of one process of the node, in MiB. */
  readonly peakMib: number;
  /** What the scenario itself found wrong, in words. */
  readonly findings: readonly string[];
  /** What it measured, in words. */
  readonly notes: readonly string[];
}

/** Any whole answer below 400 is what was asked for; 304 and 206 are. */
export const isGood = ({ status, isWhole }: Sample): boolean => isWhole && status >= 200 && status < 400;

/** An answer that took longer was waited for, and the node is not well yet. */
const WELL_ANSWER_MS = 1_000;
const IS_OF_LOG: ReadonlySet<Kind> = new Set(LOG_KINDS);
/** How long everything has to be well before it counts as recovered. */
const WELL_MS = 1_000;
/** Where a second without a failure may begin. */
const STEP_MS = 100;

/**
 * Seconds from mending to the beginning of the first full second in which every kind was asked for and every request
 * succeeded within a second. Undefined when there was none. Acknowledgements are asked for only when something was received.
 */
export function recoverySeconds({ samples, fault }: Pick<Observation, 'samples' | 'fault'>): number | undefined {
  const after = samples.filter(({ at }) => at >= fault.to);
  const last = Math.max(0, ...after.map(({ at }) => at));
  const ofLog = samples.some(({ kind }) => IS_OF_LOG.has(kind));
  const wanted: readonly Kind[] = ofLog ? LOG_KINDS : KINDS.filter((kind) => kind !== 'ack');
  for (let from = fault.to; from + WELL_MS <= last; from += STEP_MS) {
    const second = after.filter(({ at }) => at >= from && at < from + WELL_MS);
    const kinds = new Set(second.map(({ kind }) => kind));
    if (second.every((one) => isGood(one) && one.ms <= WELL_ANSWER_MS) && wanted.every((kind) => kinds.has(kind)))
      return (from - fault.to) / 1_000;
  }
  return undefined;
}
