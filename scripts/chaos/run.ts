// One scenario from a whole node to a whole node: load, fault, recovery, audit, verdict.
import { setTimeout as delay } from 'node:timers/promises';
import { ToxicNetwork } from '../../packages/bus/src/redis/toxic-network-fixture.ts';
import { comesTrue } from '../poll.ts';
import { auditLog } from '../rig/registry-audit.ts';
import { descriptors, RegistryDriver } from '../rig/registry-driver.ts';
import { spelledExpectation } from './expectation.ts';
import { judge } from './judge.ts';
import type { AnyLoad } from './any-load.ts';
import { Load } from './load.ts';
import { LogLoad } from './log-load.ts';
import { isWhole, type NodeKind, type Nodes, residentMib, startNodeOf } from './nodes.ts';
import { type Observation, recoverySeconds } from './observation.ts';
import { Refusals } from './refusals.ts';
import { type Scenario, secondsOf, type Surroundings } from './scenario.ts';

/** Load before the fault and after recovery: what the objectives are judged by. */
const BEFORE_MS = 4_000;
const AFTER_MS = 7_000;
/** Load of a new node that nobody judges: code that never ran is compiled and connections are opened first. */
const WARM_UP_MS = 6_000;
/** Waited for recovery at most, whatever bound is expected: then it is never. */
const RECOVERY_TIMEOUT_MS = 45_000;
/** All samples are gone through each time. */
const WELL_EVERY_MS = 200;
const WHOLE_TIMEOUT_MS = 30_000;
const MEMORY_INTERVAL_MS = 500;
/** In the log of a node whose scenarios have nothing to do with it: more than one leaf, less than a second. */
const FIRST_VERSIONS = 8;
const FIRST_BYTES = 512;

/** One row of the table; its names are those of the JSON that is written. */
export interface Row {
  readonly name: string;
  readonly ok: boolean;
  readonly expected: string;
  readonly observed: string;
  /** Null when the node was not well again. */
  readonly recovery_s: number | null;
  readonly lost: number;
}

type AnyNode = Nodes[NodeKind];

export interface RunOptions {
  /** Faults are kept up for a few seconds only. */
  readonly quick: boolean;
  /** Ends waiting: the fault is mended, and the scenario fails. */
  readonly interrupted: AbortSignal;
}

interface Hold {
  readonly seconds: number;
  readonly interrupted: AbortSignal;
}

/** Nodes in use, one of each kind at most; a spoiled one is thrown away. */
export class NodePool implements AsyncDisposable {
  readonly #nodes = new Map<NodeKind, AnyNode>();

  /** A whole node: the one of before if it is whole again, else a new one. The other kinds make room. */
  async take(kind: NodeKind): Promise<AnyNode> {
    for (const other of [...this.#nodes.keys()]) if (other !== kind) await this.discard(other);
    const old = this.#nodes.get(kind);
    if (old !== undefined) {
      if (await becomesWhole(old)) return old;
      await this.discard(kind);
    }
    const node = await startNodeOf(kind);
    this.#nodes.set(kind, node);
    await warmUp(node.fronts);
    await writeLog(node);
    if (!(await becomesWhole(node))) throw new Error(`the new node (${kind}) is not ready for reads and writes`);
    return node;
  }

  async discard(kind: NodeKind): Promise<void> {
    const node = this.#nodes.get(kind);
    this.#nodes.delete(kind);
    await node?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const kind of [...this.#nodes.keys()]) await this.discard(kind);
  }
}

const becomesWhole = (node: AnyNode): Promise<boolean> => comesTrue(WHOLE_TIMEOUT_MS, () => isWhole(node));

async function warmUp(urls: readonly string[]): Promise<void> {
  const load = new Load(urls);
  await load.seed();
  load.start();
  await delay(WARM_UP_MS);
  await load.stop();
  load.client.close();
}

/** The log of a new node is not left empty: an audit of nothing would pass whatever a fault did to the registry. */
async function writeLog({ registryUrl, signers }: AnyNode): Promise<void> {
  using driver = new RegistryDriver(registryUrl, signers);
  for (let at = 1; at <= FIRST_VERSIONS; at += 1)
    await driver.commitNext(descriptors(`first-${process.pid}-${at}`, FIRST_BYTES));
}

/** Runs a scenario and judges it. What goes wrong in making the fault is a row too: not ok. */
export async function runScenario(
  scenario: Scenario,
  pool: NodePool,
  { quick, interrupted }: RunOptions,
): Promise<Row> {
  const expected = spelledExpectation(scenario.expects);
  try {
    const node = await pool.take(scenario.node);
    const observation = await observe(scenario, node, { seconds: secondsOf(scenario, quick), interrupted });
    const verdict = judge(scenario.expects, observation);
    if (!verdict.ok || scenario.spoils === true) await pool.discard(scenario.node);
    const wrong = verdict.violations.map((violation) => `NOT ${violation}`);
    return {
      name: scenario.name,
      ok: verdict.ok,
      expected,
      observed: [...wrong, verdict.observed].join('; '),
      recovery_s: verdict.recoverySeconds ?? null,
      lost: observation.lost,
    };
  } catch (error) {
    await pool.discard(scenario.node);
    const observed = `could not be run: ${error instanceof Error ? error.message : String(error)}`;
    return { name: scenario.name, ok: false, expected, observed, recovery_s: null, lost: 0 };
  }
}

async function observe(scenario: Scenario, node: AnyNode, { seconds, interrupted }: Hold): Promise<Observation> {
  await using stack = new AsyncDisposableStack();
  const front = scenario.far === true ? await ToxicNetwork.to(node.url) : undefined;
  if (front !== undefined) stack.defer(() => front.close());
  const load = loadOf(scenario, node, front?.url.replace('redis:', 'http:'));
  stack.defer(() => load.client.close());
  await load.seed();
  const refusals = await Refusals.since(node.ops('gateway'), load.client.ledger);
  let peakMib = 0;
  const memory = setInterval(() => (peakMib = Math.max(peakMib, residentMib(node.pids()))), MEMORY_INTERVAL_MS);
  stack.defer(() => clearInterval(memory));
  const findings: string[] = [];
  const notes: string[] = [];
  // A scenario and its load are of one kind, which the table of scenarios says.
  const surroundings: Surroundings = {
    load: load as Load,
    front,
    find: (what) => void findings.push(what),
    note: (what) => void notes.push(what),
  };
  load.start();
  let stopped = false;
  stack.defer(() => (stopped ? undefined : load.stop()));
  await delay(BEFORE_MS, undefined, { signal: interrupted });
  const fault = await suffer(scenario, node, surroundings, { seconds, interrupted });
  const well = (): boolean => interrupted.aborted || recoverySeconds({ samples: load.samples, fault }) !== undefined;
  await comesTrue(RECOVERY_TIMEOUT_MS, well, WELL_EVERY_MS);
  await delay(AFTER_MS, undefined, { signal: interrupted });
  stopped = true;
  await load.stop();
  const samples = [...load.samples];
  await asked(scenario.after, node, surroundings);
  const counted = await refusals.count();
  const lost = await load.audit();
  // After every scenario, whatever it broke, and by the signers this run gave the node, not by those it names.
  const { ok, said } = await auditLog(node.registryUrl, { genesis: node.genesis });
  if (!ok) findings.push(`the log does not verify: ${said}`);
  const { repeated, findings: found } = load.book;
  return { samples, fault, lost, repeated, refusals: counted, peakMib, findings: [...findings, ...found], notes };
}

/** Who asks the node, and where: a proxy in front of it if there is one. */
function loadOf({ users }: Scenario, node: AnyNode, front: string | undefined): AnyLoad {
  if (users === undefined) return new Load(front ?? node.fronts);
  return new LogLoad(front ?? (users === 'log' ? node.url : node.registryUrl), node);
}

/** Makes the fault, keeps it up and mends it, whatever happens meanwhile. */
async function suffer(
  scenario: Scenario,
  node: AnyNode,
  surroundings: Surroundings,
  { seconds, interrupted }: Hold,
): Promise<Observation['fault']> {
  const { load } = surroundings;
  const from = load.now;
  const mend = await scenario.make(node, surroundings);
  try {
    await delay(seconds * 1_000, undefined, { signal: interrupted });
    await asked(scenario.during, node, surroundings);
  } finally {
    await mend();
  }
  return { from, to: load.now };
}

/** A look at the node, if the scenario takes one; scenario and node are of one kind, which the pool sees to. */
async function asked(look: unknown, node: AnyNode, surroundings: Surroundings): Promise<void> {
  await (look as ((node: AnyNode, surroundings: Surroundings) => Promise<void>) | undefined)?.(node, surroundings);
}
