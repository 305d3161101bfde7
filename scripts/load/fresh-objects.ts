// The fresh objects of a run, with the ids k6 is too slow to compute: native BLAKE3 here, before the load.
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { hashBytes } from '@macronode/content';
import { FRESH_BYTES } from '../../k6/flows/user.ts';
import { freshBytes, IDS_FILE, poolPlanOf, TEMPLATE_FILE } from '../../k6/lib/fresh-bytes.ts';
import type { Plan } from '../../k6/profiles/profile.ts';

/** 12.5 GiB of objects in the node, and 13 MiB of ids in k6. */
const OBJECTS_MAX = 200_000;
const IDS_AT_ONCE = 1_000;

export interface PreparedObjects {
  readonly count: number;
  readonly seconds: number;
}

/** Writes the files of a pool into the folder. Throws where the plan stores more than one run may. */
export function prepareObjects(dir: string, run: string, plan: Plan): PreparedObjects {
  const { size } = poolPlanOf(plan);
  if (size > OBJECTS_MAX) {
    throw new Error(
      `This run would store ${size} objects of 64 KiB (${((size * FRESH_BYTES) / 2 ** 30).toFixed(0)} GiB), more than the ${OBJECTS_MAX} one run may: lower --rate or --duration.`,
    );
  }
  const startedAt = performance.now();
  const random = randomBytes(FRESH_BYTES);
  const template = new Uint8Array(random).buffer;
  writeFileSync(join(dir, TEMPLATE_FILE), random);
  const ids = openSync(join(dir, IDS_FILE), 'w');
  try {
    for (let from = 0; from < size; from += IDS_AT_ONCE) {
      const count = Math.min(IDS_AT_ONCE, size - from);
      const lines = Array.from({ length: count }, (_, at) => `${hashBytes(freshBytes(template, run, from + at))}\n`);
      writeSync(ids, lines.join(''));
    }
  } finally {
    closeSync(ids);
  }
  return { count: size, seconds: (performance.now() - startedAt) / 1_000 };
}
