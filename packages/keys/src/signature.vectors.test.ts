import { describe, expect, it } from 'vitest';
import type { Algorithm } from './algorithm.ts';
import { officialVectors } from './official-vectors.ts';
import { verifyBytes } from './signature.ts';

interface Wycheproof {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKey: string | { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly ctx?: string;
      readonly result: 'valid' | 'invalid';
    }[];
  }[];
}

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');

function wycheproof(algorithm: Algorithm, file: string): { wrong: number[]; checked: number; withContext: number } {
  const vectors = JSON.parse(officialVectors(file)) as Wycheproof;
  const wrong: number[] = [];
  let checked = 0;
  let withContext = 0;
  for (const { publicKey, tests } of vectors.testGroups) {
    const key = typeof publicKey === 'string' ? publicKey : publicKey.pk;
    for (const { tcId, msg, sig, ctx, result } of tests) {
      if (ctx !== undefined) {
        withContext += 1;
        continue;
      }
      checked += 1;
      if (verifyBytes(algorithm, key, bytes(msg), bytes(sig)) !== (result === 'valid')) wrong.push(tcId);
    }
  }
  expect(checked + withContext).toBe(vectors.numberOfTests);
  return { wrong, checked, withContext };
}

describe('the Wycheproof vectors', () => {
  it('hold for Ed25519', () => {
    expect(wycheproof('ed25519', 'wycheproof-ed25519.json')).toEqual({ wrong: [], checked: 151, withContext: 0 });
  });

  it('hold for ML-DSA-44, but for the eight with a context string: we sign with the empty one', () => {
    const file = 'wycheproof-mldsa44-verify.json';
    expect(wycheproof('ml-dsa-44', file)).toEqual({ wrong: [], checked: 172, withContext: 8 });
  });
});
