import { join } from 'node:path';
import { SERVICES } from '@macronode/contracts';
import type { FlowName } from '../../k6/flows/flows.ts';
import { ROOT } from '../bootstrap.mjs';
import { LoadLoop } from '../load/load-loop.ts';
import { type Base, workingTreeName } from './base.ts';
import { thisMachine } from './baseline.ts';
import { measure } from './measure.ts';
import type { Profile, Recording } from './recording.ts';
import { type Side, startSide } from './side.ts';

/** Users of a load loop: a pause of the node drops few turns, and what then comes at once is still below what it sheds. */
const USERS = 128;

export interface GateOptions {
  readonly base: Base;
  readonly profile: Profile;
  readonly flows: readonly FlowName[];
  /** The whole run, starting the nodes included. */
  readonly seconds: number;
  readonly seed: number;
  /** Per cent of CPU per request the working tree is made to use more. */
  readonly seededCpuPercent: number;
  readonly say: (line: string) => void;
}

/** Starts both nodes, measures until the time is over, and stops them. */
export async function record(options: GateOptions): Promise<Recording> {
  const { base, profile, flows, seconds, seed, seededCpuPercent, say } = options;
  const startedAt = Date.now();
  const runDir = join(ROOT, '.run', 'perf-gate', `run-${process.pid}`);
  const side = (name: Side['name'], root: string): Promise<Side> =>
    startSide({ name, root, profile, runDir: join(runDir, name), seeded: name === 'B' && seededCpuPercent > 0 });
  await using a = await side('A', base.root);
  await using b = await side('B', ROOT);
  await using loopA = await LoadLoop.start(a.url, { users: USERS, seed });
  await using loopB = await LoadLoop.start(b.url, { users: USERS, seed });
  say(`both nodes are up after ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);
  const recorded = await measure({
    a: { side: a, loop: loopA },
    b: { side: b, loop: loopB },
    flows,
    deadline: startedAt + seconds * 1_000,
    seed,
    seededCpuPercent,
    say,
  });
  return {
    profile,
    machine: thisMachine(),
    recordedAt: new Date().toISOString(),
    base: base.revision,
    tree: workingTreeName(),
    seededCpuPercent,
    seconds,
    services: [...SERVICES],
    flows: [...recorded],
  };
}
