import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bootstrap.mjs';

/** Where a checkout keeps the official test vectors when nobody says otherwise, relative to the repository. */
const DEFAULT = join('..', 'shared', 'vectors');

/** `VECTORS_DIR`, else the folder beside the repository if it is there; else undefined, and those tests say what to set. */
export function vectorsDir(): string | undefined {
  const set = process.env['VECTORS_DIR'];
  if (set !== undefined && set !== '') return set;
  return existsSync(join(ROOT, DEFAULT)) ? DEFAULT : undefined;
}
