import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES } from '@macronode/contracts';
import type { FlowName } from '../../k6/flows/flows.ts';
import { ROOT } from '../bootstrap.mjs';
import { LoadLoop } from '../load/load-loop.ts';
import { RiggedSigners } from '../rig/registry-signers.ts';
import type { Revision } from './base.ts';
import { thisMachine } from './baseline.ts';
import { type Life, measure } from './measure.ts';
import type { Profile, Recording } from './recording.ts';
import { type Side, startSide } from './side.ts';

/** Users of a load loop: a pause of the node drops few turns, and what then comes at once is still below what it sheds. */
const USERS = 128;
/**
 * Two processes of one build may differ by some per cent for as long as they live. Both nodes are started anew for each part of
 * the run, so that this shows as noise, not as a change.
 */
const LIVES = 2;

export interface GateOptions {
  readonly base: Revision;
  readonly tree: Revision;
  readonly profile: Profile;
  readonly flows: readonly FlowName[];
  /** The whole run, starting the nodes included. */
  readonly seconds: number;
  readonly seed: number;
  /** Per cent of CPU per request the tree is made to use more. */
  readonly seededCpuPercent: number;
  readonly say: (line: string) => void;
}

/** Starts both nodes, measures and stops them, life after life, until the time is over. */
export async function record(options: GateOptions): Promise<Recording> {
  const { base, tree, profile, flows, seconds, seed, seededCpuPercent, say } = options;
  const recorded = await measure(lives(options), { flows, seed, seededCpuPercent, say });
  return {
    profile,
    machine: thisMachine(),
    recordedAt: new Date().toISOString(),
    base: base.revision,
    tree: tree.revision,
    seededCpuPercent,
    seconds,
    services: [...SERVICES],
    flows: [...recorded],
  };
}

async function* lives(options: GateOptions): AsyncGenerator<Life> {
  const { base, tree, profile, seconds, seed, seededCpuPercent, say } = options;
  const begin = Date.now();
  const runDir = join(ROOT, '.run', 'perf-gate', `run-${process.pid}`);
  using signers = RiggedSigners.make();
  const side = (name: Side['name'], root: string): Promise<Side> =>
    startSide({
      name,
      root,
      profile,
      runDir: join(runDir, name),
      seeded: name === 'B' && seededCpuPercent > 0,
      signers: signers.env,
    });
  const loop = ({ url }: Side): Promise<LoadLoop> => LoadLoop.start(url, { users: USERS, seed, signers: signers.keys });
  for (let life = 1; life <= LIVES; life += 1) {
    const startedAt = Date.now();
    await using a = await side('A', base.root);
    await using b = await side('B', tree.root);
    await using loopA = await loop(a);
    await using loopB = await loop(b);
    say(`life ${life} of ${LIVES}: both nodes are up after ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);
    yield {
      life,
      a: { side: a, loop: loopA },
      b: { side: b, loop: loopB },
      deadline: begin + (seconds * 1_000 * life) / LIVES,
    };
  }
  // Logs and data are of use only where something failed.
  rmSync(runDir, { recursive: true, force: true });
}
