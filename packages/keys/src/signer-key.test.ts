import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Algorithm } from './algorithm.ts';
import { KeyFileError } from './key-file.ts';
import { NodeKey } from './node-key.ts';
import { verify } from './signature.ts';
import { SignerKey } from './signer-key.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signer-key-'));
  file = join(folder, 'sub', 'signer.key');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.each<Algorithm>(['ed25519', 'ml-dsa-44'])('a signer key of %s', (algorithm) => {
  it('is kept in a file for its owner only and signs after it is loaded', () => {
    const made = SignerKey.create(file, algorithm);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const loaded = SignerKey.load(file);
    expect(loaded).toMatchObject({ algorithm, publicKeyHex: made?.publicKeyHex });
    const sig = loaded?.sign('test\n', 'm') ?? '';
    expect(verify(algorithm, made?.publicKeyHex ?? '', 'test\n', 'm', sig)).toBe(true);
  });

  it('never replaces a file', () => {
    SignerKey.create(file, algorithm);
    const whole = readFileSync(file, 'utf8');
    expect(SignerKey.create(file, algorithm)).toBeUndefined();
    expect(readFileSync(file, 'utf8')).toBe(whole);
  });

  it('is refused when its halves are of two keys, a part is missing or others may read it', () => {
    SignerKey.create(file, algorithm);
    const whole = readFileSync(file, 'utf8');
    const other = join(folder, 'other.key');
    SignerKey.create(other, algorithm);
    const cut = whole.indexOf('-----BEGIN PUBLIC KEY-----');
    const mixed = whole.slice(0, cut) + readFileSync(other, 'utf8').slice(cut);
    for (const damaged of [mixed, whole.slice(0, cut), whole.slice(cut), '']) {
      writeFileSync(file, damaged);
      expect(() => SignerKey.load(file)).toThrow(KeyFileError);
    }
    writeFileSync(file, whole);
    chmodSync(file, 0o640);
    expect(() => SignerKey.load(file)).toThrow('chmod 600');
  });
});

describe('a key file', () => {
  it('that is not there holds no key', () => {
    expect(SignerKey.load(file)).toBeUndefined();
  });

  it('of another algorithm is refused, by a node also when it is post-quantum', () => {
    SignerKey.create(file, 'ml-dsa-44');
    expect(() => NodeKey.loadOrCreate(file)).toThrow('Ed25519');
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = [
      privateKey.export({ type: 'pkcs8', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'pem' }),
    ];
    writeFileSync(file, pem.join(''));
    expect(() => SignerKey.load(file)).toThrow('Ed25519 or ML-DSA-44');
  });
});
