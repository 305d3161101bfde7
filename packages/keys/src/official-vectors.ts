import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const REPOSITORY_ROOT = resolve(import.meta.dirname, '../../..');

/**
 * Reads a file of published test vectors. They are not part of this repository: `VECTORS_DIR` (relative to the
 * repository root, or absolute) names the folder that holds them. Throws, with where to get them, when it is unset.
 */
export function officialVectors(file: string): string {
  const folder = process.env['VECTORS_DIR'];
  if (folder === undefined || folder === '') {
    throw new Error(
      'Set VECTORS_DIR to a folder with wycheproof-ed25519.json and wycheproof-mldsa44-verify.json ' +
        '(github.com/C2SP/wycheproof, testvectors_v1/ed25519_test.json and mldsa_44_verify_test.json).',
    );
  }
  return readFileSync(resolve(REPOSITORY_ROOT, folder, file), 'utf8');
}
