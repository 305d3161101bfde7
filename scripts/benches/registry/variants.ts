import { join } from 'node:path';
import type { CaseResult } from '../../bench-harness.ts';
import { RegistryDriver } from '../../rig/registry-driver.ts';
import { RiggedSigners } from '../../rig/registry-signers.ts';
import { commitsInARow } from './commit-cadence.ts';
import { benchFolder } from './disk.ts';
import { type Found, type Part, percentilesOf, quantile, rounded, say, spread } from './part.ts';
import { latencyMs, rateOf, Readers } from './readers.ts';
import { RegistryNode } from './registry-node.ts';
import { startTarget } from '../../targets.ts';
import { auditFailuresOf } from './started.ts';

/** Reads a second in every variant: below what any of them bears, so that latencies compare. */
const RATE = 500;
const CONNECTIONS = 16;
const SEEDED = 20;

interface Variant {
  readonly name: string;
  readonly node: { readonly url: string; readonly ops: string };
  readonly driver: RegistryDriver;
  readonly readP95: number[];
  readonly readRate: number[];
  readonly commitMs: number[];
  /** p95 of the commits of each round. */
  readonly commitP95: number[];
}

async function oneRound({ node, driver, ...found }: Variant, readers: Readers, quick: boolean): Promise<void> {
  const order = { url: node.url, read: 'head', knownShare: 0.5, versions: SEEDED, connections: CONNECTIONS } as const;
  const ms = quick ? 1_000 : 4_000;
  found.readP95.push(latencyMs(await readers.readRightly({ ...order, rate: RATE, ms }), 0.95));
  found.readRate.push(rateOf(await readers.readRightly({ ...order, ms })));
  const rounds = await commitsInARow(driver, quick ? 10 : 40);
  const commitMs = rounds.map((round) => round.ms.commit);
  found.commitMs.push(...commitMs);
  found.commitP95.push(quantile(commitMs, 0.95));
}

/** Median of the ratios of the rounds: what the machine did meanwhile met both. */
const ratioOf = (a: readonly number[], b: readonly number[]): number =>
  rounded(
    quantile(
      a.map((value, at) => value / (b[at] ?? Number.NaN)),
      0.5,
    ),
  );

async function run(quick: boolean): Promise<Found> {
  await using stack = new AsyncDisposableStack();
  const readers = stack.use(await Readers.start());
  const signers = stack.use(RiggedSigners.make());
  const { group } = signers;
  const variants: Variant[] = [];
  const add = async (name: string, node: Variant['node']): Promise<void> => {
    const driver = stack.use(new RegistryDriver(node.url, group));
    await commitsInARow(driver, SEEDED);
    variants.push({ name, node, driver, readP95: [], readRate: [], commitMs: [], commitP95: [] });
  };
  const { state } = stack.use(await startTarget('processes', { replicas: {}, env: signers.env }));
  const ops = state.ops['registry']?.[0] ?? '';
  await add('macronode', { url: state.url, ops });
  await add('macronode, the registry itself', { url: state.registryUrl ?? '', ops });
  for (const onDisk of [true, false]) {
    const { path: folder } = stack.use(benchFolder());
    const dataDir = onDisk ? join(folder, 'data') : undefined;
    const node = stack.use(await RegistryNode.start({ app: 'micronode', group, folder, dataDir }));
    await add(onDisk ? 'micronode on disk' : 'micronode in memory', node);
  }
  for (let round = 0; round < (quick ? 2 : 7); round += 1)
    for (const variant of variants) await oneRound(variant, readers, quick);
  return judged(variants, await auditFailures(variants));
}

async function auditFailures(variants: readonly Variant[]): Promise<number> {
  let sum = 0;
  for (const { node } of variants) sum += await auditFailuresOf(node);
  return sum;
}

function judged(variants: readonly Variant[], failures: number): Found {
  const cases: CaseResult[] = [];
  const ratios: Record<string, number> = {};
  const [reference] = variants;
  for (const variant of variants) {
    const { name, readP95, readRate, commitMs, commitP95 } = variant;
    cases.push(
      spread(`head at ${RATE}/s, p95, ${name}`, 'ms', readP95),
      spread(`head, ${CONNECTIONS} connections, ${name}`, 'requests/s', readRate),
      { ...spread(`commit, ${name}`, 'ms', commitMs), ...percentilesOf(commitMs) },
    );
    say(
      `${name}: head p95 ${quantile(readP95, 0.5).toFixed(2)} ms, ${quantile(readRate, 0.5).toFixed(0)}/s; commit p95 ${quantile(commitP95, 0.5).toFixed(1)} ms`,
    );
    if (reference === undefined || variant === reference) continue;
    ratios[`head p95, ${name} / macronode`] = ratioOf(readP95, reference.readP95);
    ratios[`head rate, ${name} / macronode`] = ratioOf(readRate, reference.readRate);
    ratios[`commit p95, ${name} / macronode`] = ratioOf(commitP95, reference.commitP95);
  }
  return { cases, ratios, auditFailures: failures };
}

/** The log of a macronode, by its gateway and by the registry's own port, and that of a micronode by its gateway, on disk and in memory, in turns. */
export const variants: Part = { name: 'variants', run };
