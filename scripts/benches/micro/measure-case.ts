import type { CaseResult } from '../../bench-harness.ts';
import { Child } from '../../measure/child.ts';
import { say, spread } from '../registry/part.ts';
import type { MicroCase, MicroReport } from './micro-case.ts';
import { pin } from './pinned.ts';

/** Making the envelopes of a case, and all of its runs. */
const CASE_MS = 600_000;

/** What one case came to, and the empty loop it was measured against (ns a turn). */
export interface Measured {
  readonly result: CaseResult;
  readonly floorNs: number;
}

interface MicroWish {
  readonly runs: number;
  /** Of the operations of a whole run (0 to 1). */
  readonly share: number;
}

/** Runs a case in a process of its own, which `script` runs, on a core of its own where there is a way to. */
export async function measureCase(
  script: URL,
  { name, what }: Pick<MicroCase, 'name' | 'what'>,
  { runs, share }: MicroWish,
): Promise<Measured> {
  if (what !== undefined) say(`${name}: ${what}`);
  const child = new Child<MicroReport>(script, [name, String(runs), String(share)]);
  try {
    pin(child.pid);
    const { nanos, floors, operations } = await child.next('measured', CASE_MS);
    const floorNs = spread(name, 'ns', floors).median;
    const result = spread(name, 'ns', nanos);
    say(
      `${name.padEnd(25)} ${String(result.median).padStart(9)} ns (${result.min} to ${result.max}; ${runs} runs of ${operations.toLocaleString('en')}; floor ${floorNs})`,
    );
    return { result, floorNs };
  } finally {
    await child.stop();
  }
}
