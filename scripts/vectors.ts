import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bootstrap.mjs';

/** Where a checkout keeps the official test vectors when nobody says otherwise, relative to the repository. */
const DEFAULT = join('..', 'shared', 'vectors');

/** `VECTORS_DIR`, else the folder beside the repository if it is there; else undefined: the files *.vectors.test.ts are left out. */
export function vectorsDir(): string | undefined {
  const set = process.env['VECTORS_DIR'];
  if (set !== undefined && set !== '') return set;
  return existsSync(join(ROOT, DEFAULT)) ? DEFAULT : undefined;
}

/** Said aloud when they are left out. */
export const VECTORS_ABSENT =
  'The official test vectors are not run: VECTORS_DIR names no folder. They come from github.com/BLAKE3-team/BLAKE3 ' +
  '(test_vectors.json as blake3.json), github.com/cyberphone/json-canonicalization (testdata as rfc8785) and ' +
  'github.com/C2SP/wycheproof (ed25519_test.json, mldsa_44_verify_test.json). The differential tests against a second implementation run.';
