import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import type { TargetName } from './target.ts';

/** What every node must pass, whatever it is made of. */
const EVERYWHERE = [
  'objects.e2e.ts',
  'names.e2e.ts',
  'content-by-name.e2e.ts',
  'mailbox.e2e.ts',
  'bad-input.e2e.ts',
  'envelope.e2e.ts',
  'ops.e2e.ts',
  'openapi.e2e.ts',
  'curl.e2e.ts',
  'ronctl.e2e.ts',
  'bus-dlq.e2e.ts',
  'tasks.e2e.ts',
  'saturation.e2e.ts',
];

/** Off by default, or without keys of ours: the targets that are started here have them. */
const STARTED_HERE = ['echo.e2e.ts', 'registry.e2e.ts', 'registry-ronctl.e2e.ts'];

/**
 * Only where the kernel hands on what waits at a port that closes, or where that could be turned on for the run: elsewhere
 * it would fail for the machine.
 */
const ROLLING = ['rolling-restart.e2e.ts'];

/** What only some targets give a hold on: their Redis, their folders, their processes. Faults come last. */
const MORE: Record<TargetName, readonly string[]> = {
  micronode: STARTED_HERE,
  url: [],
  compose: [...STARTED_HERE, 'mesh.e2e.ts'],
  processes: [
    ...STARTED_HERE,
    'bus-streams.e2e.ts',
    'bus-dead-letters.e2e.ts',
    'storage-disk.e2e.ts',
    'mesh.e2e.ts',
    ...(process.env['E2E_ROLLING'] === '1' ? ROLLING : []),
    'faults.e2e.ts',
  ],
};

const LARGE = ['large.e2e.ts'];

/** Without a target everything is listed, for tools that read this file; the tests themselves say what is missing. */
function filesOf(target: string | undefined): readonly string[] {
  if (process.env['E2E_LARGE'] === '1') return LARGE;
  const more = Object.entries(MORE).find(([name]) => name === target)?.[1];
  return [...EVERYWHERE, ...(more ?? [...MORE.processes, ...ROLLING, ...LARGE])];
}

const files = filesOf(process.env['E2E_TARGET']);

/** Files run in the order they are listed: what breaks things runs when the rest has passed. */
class ListedOrder extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => files.findIndex((file) => moduleId.endsWith(`/${file}`));
    return specifications.toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: [...files],
    globalSetup: ['ready.setup.ts'],
    sequence: { sequencer: ListedOrder },
    // One file at a time: several tests count what the node did, and two cores are all there may be.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
});
