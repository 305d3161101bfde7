import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyFileError } from './key-file.ts';
import { NodeKey } from './node-key.ts';
import { verify } from './signature.ts';
import { generateKey } from './signing-key.ts';

describe('NodeKey', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'node-key-'));
    file = join(folder, 'sub', 'node.key');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is made once, for its owner only, and is the same after a restart', () => {
    const first = NodeKey.loadOrCreate(file);
    expect(NodeKey.loadOrCreate(file).publicKeyHex).toBe(first.publicKeyHex);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'sub'))).toEqual(['node.key']);
    const sig = NodeKey.loadOrCreate(file).sign('test\n', 'm');
    expect(verify('ed25519', first.publicKeyHex, 'test\n', 'm', sig)).toBe(true);
  });

  it('is refused when any part of its file is damaged, and the file is left alone', () => {
    NodeKey.loadOrCreate(file);
    const whole = readFileSync(file, 'utf8');
    const lines = whole.split('\n');
    const flipped = lines.map((line, i) =>
      i === 1 ? line.slice(0, -8) + (line.at(-8) === 'A' ? 'B' : 'A') + line.slice(-7) : line,
    );
    for (const damaged of [
      '',
      whole.slice(0, 60),
      lines.slice(0, 3).join('\n'),
      flipped.join('\n'),
      whole.slice(0, -30),
      'x',
    ]) {
      writeFileSync(file, damaged);
      expect(() => NodeKey.loadOrCreate(file)).toThrow(KeyFileError);
      expect(readFileSync(file, 'utf8')).toBe(damaged);
    }
    writeFileSync(file, whole);
    NodeKey.loadOrCreate(file);
  });

  it('is refused when other users may read it', () => {
    NodeKey.loadOrCreate(file);
    chmodSync(file, 0o644);
    expect(() => NodeKey.loadOrCreate(file)).toThrow('chmod 600');
  });

  it('is the same key in another thread, by its seed', () => {
    const key = NodeKey.ephemeral();
    const again = NodeKey.fromSeed(key.seed());
    expect(again.publicKeyHex).toBe(key.publicKeyHex);
    expect(verify('ed25519', key.publicKeyHex, 'test\n', 'm', again.sign('test\n', 'm'))).toBe(true);
    expect(() => NodeKey.fromSeed(key.seed().subarray(1))).toThrow(RangeError);
  });

  it('does not show its private half', () => {
    const key = NodeKey.ephemeral();
    expect(JSON.stringify(key)).toBe(JSON.stringify({ algorithm: 'ed25519', publicKeyHex: key.publicKeyHex }));
    expect(key.publicKeyHex).not.toBe(generateKey('ed25519').publicKeyHex);
  });
});
