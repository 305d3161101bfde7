// One profile against one node: k6, what the node says meanwhile, and the judgement of both.
import { randomBytes } from 'node:crypto';
import { SLOS } from '@macronode/contracts';
import { flowsOf, type Plan, type Profile } from '../../k6/profiles/profile.ts';
import { kneeBoundMs } from '../../k6/profiles/breakpoint.ts';
import { usersOf } from '../../k6/profiles/arrivals.ts';
import { planOf, profileOf } from '../../k6/profiles/profiles.ts';
import type { RunReport } from '../../k6/lib/summary.ts';
import { poll } from '../poll.ts';
import type { RunState } from '../run-state.ts';
import { findKnee, judgeRecovery, type Knee, type Recovery } from './after.ts';
import { type K6Order, type K6Result, runK6 } from './k6-run.ts';
import { closeLedger, type LedgerVerdict, messageCounts } from './message-ledger.ts';
import { OpsSampler, type OpsSeries, opsTargets } from './ops-sampler.ts';
import { type Truth, truthsOf } from './truths.ts';

export type ProfileOrder = Omit<K6Order, 'plan' | 'seconds' | 'run' | 'opsUrls' | 'url'> & { readonly node: RunState };

/** Everything a run showed. */
export interface ProfileResult extends K6Result {
  readonly profile: string;
  readonly url: string;
  readonly truths: readonly Truth[];
  readonly ledger?: LedgerVerdict;
  readonly recovery?: Recovery;
  readonly knee?: Knee;
  /** CPU microseconds for one request of the run, by process. */
  readonly cpuMicros: Readonly<Record<string, number>>;
  readonly looks: readonly OpsSeries[];
}

/** Looks at the processes in a run. */
const LOOKS = 120;
const LOOK_MAX_S = 30;
const SETTLE_MS = 15_000;
const RUN_BYTES = 4;
const MICROS = 1e6;

export async function runProfile(order: ProfileOrder): Promise<ProfileResult> {
  const { profile: name, node } = order;
  const wishes = { ...order.wishes, signs: order.signers !== undefined };
  const profile = profileOf(name);
  const plan = planOf(name, wishes);
  const seconds = wishes.seconds ?? profile.seconds;
  const run = randomBytes(RUN_BYTES).toString('hex');
  const targets = opsTargets(node);
  const sampler = new OpsSampler(targets);
  await sampler.look();
  sampler.start(1_000 * Math.min(LOOK_MAX_S, Math.max(1, seconds / LOOKS)));
  let result: K6Result;
  try {
    result = await runK6({
      ...order,
      wishes,
      plan,
      seconds,
      url: node.url,
      run,
      opsUrls: targets.map(({ url }) => url),
    });
  } finally {
    sampler.stop();
  }
  const to = sampler.seconds;
  const { report } = result;
  // Before the ledger, which opens connections of its own.
  const looks = targets.length === 0 ? [] : await settled(sampler);
  const ledger = report === undefined ? undefined : await ledgerOf(order, report, run, plan);
  const base = { ...result, profile: name, url: node.url, looks, ...(ledger !== undefined && { ledger }) };
  if (report === undefined) return { ...base, truths: [], cpuMicros: {} };
  const loaded = report.metrics['load_seconds']?.values['max'] ?? seconds;
  return {
    ...base,
    truths:
      looks.length === 0 ? [] : truthsOf(looks, { from: Math.max(0, to - loaded), to, ...seenBy(report, profile) }),
    cpuMicros: cpuPerRequest(looks, report.metrics['http_reqs']?.values['count'] ?? 0),
    ...(profile.after === 'recovery' && { recovery: judgeRecovery(report) }),
    ...(profile.after === 'knee' && { knee: kneeOf(report, plan, loaded) }),
  };
}

/** Undefined where no message was sent. */
async function ledgerOf(
  { node, token }: ProfileOrder,
  report: RunReport,
  run: string,
  { scenarios }: Plan,
): Promise<LedgerVerdict | undefined> {
  const counts = messageCounts(report);
  if (counts.offered === 0) return undefined;
  const users = Object.values(scenarios).reduce((sum, scenario) => sum + usersOf(scenario), 0);
  return closeLedger({ url: node.url, token }, run, users, counts);
}

/** Looks on after the load until streams are empty and connections closed, or for as long as that may take. */
async function settled(sampler: OpsSampler): Promise<readonly OpsSeries[]> {
  const before = new Map(sampler.series.map(({ instance, samples }) => [instance, samples[0]?.openFds ?? 0]));
  const isQuiet = async (): Promise<boolean> => {
    await sampler.look();
    return sampler.series.every(({ instance, samples }) => {
      const last = samples.at(-1);
      return last !== undefined && last.pending === 0 && last.openFds <= (before.get(instance) ?? 0);
    });
  };
  try {
    await poll('the node to settle', SETTLE_MS, isQuiet, 1_000);
  } catch {
    // what is left is for the truths to judge
  }
  return sampler.series;
}

const STEADY: readonly string[] = ['smoke', 'load', 'soak'];

function seenBy({ metrics, profile }: RunReport, { after }: Profile) {
  const count = (metric: string): number => metrics[metric]?.values['passes'] ?? 0;
  const refusals = count('refused');
  return {
    isSteady: after === undefined && STEADY.includes(profile),
    refusals,
    unanswered: Math.max(0, (metrics['http_req_failed']?.values['passes'] ?? 0) - refusals),
  };
}

function kneeOf(report: RunReport, { phases = [], scenarios }: Plan, seconds: number): Knee {
  return findKnee(report, phases, seconds, {
    p95Ms: kneeBoundMs(flowsOf(scenarios)),
    refused: 1 - SLOS.admission.objective,
    unavailable: 1 - SLOS.availability.objective,
  });
}

/** From the counters of the processes themselves, over everything k6 asked. */
function cpuPerRequest(looks: readonly OpsSeries[], requests: number): Readonly<Record<string, number>> {
  if (requests === 0) return {};
  return Object.fromEntries(
    looks.map(({ instance, samples }) => [
      instance,
      (((samples.at(-1)?.cpuS ?? 0) - (samples[0]?.cpuS ?? 0)) * MICROS) / requests,
    ]),
  );
}
