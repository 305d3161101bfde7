import { type Bench, type BenchCase, perOperation } from '../bench-harness.ts';
import { Child } from '../measure/child.ts';
import { FRAME_CASES, type FrameCase } from './oap/frame-cases.ts';
import type { Allocations, AllocationsMessage } from './oap/messages.ts';

/** Young generation of the counting process, in MiB: nothing it allocates is collected while it counts. */
const SEMI_SPACE_MIB = 256;

/** What each case allocates, counted in a process of its own, where nothing is timed. */
async function countAllocations(): Promise<Readonly<Record<string, Allocations>>> {
  const flags = ['--expose-gc', `--max-semi-space-size=${SEMI_SPACE_MIB}`, `--min-semi-space-size=${SEMI_SPACE_MIB}`];
  const child = new Child<AllocationsMessage>(new URL('oap/allocations-process.ts', import.meta.url), [], flags);
  const { byCase } = await child.next('allocations');
  await child.stop();
  return byCase;
}

function timed({ name, frames, work }: FrameCase, allocations: Allocations | undefined): BenchCase {
  return {
    name,
    unit: 'ns/frame',
    work: (count) => {
      for (let i = 0; i < count; i += 1) work();
    },
    measure: (count, elapsedMs) => perOperation(count * frames, elapsedMs),
    ...(allocations === undefined ? {} : { allocations }),
  };
}

export const oap: Bench = {
  summary: 'OAP/1 frames and payloads: time and allocations, alone, together, and as a 64 KiB chunk',
  prepare: async () => {
    const allocations = await countAllocations();
    return {
      cases: FRAME_CASES.map((one) => timed(one, allocations[one.name])),
      ratios: [
        { name: 'encode: alone over together', of: 'encode 1 request of 256 B', to: 'encode 16 requests of 256 B' },
      ],
    };
  },
};
