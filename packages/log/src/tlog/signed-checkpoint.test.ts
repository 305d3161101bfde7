import { describe, expect, it } from 'vitest';
import { leafHash } from './merkle.ts';
import { parseVkey } from './note-key.ts';
import type { NoteKeyType } from './note-key.ts';
import {
  ED25519_CHECKPOINT,
  ED25519_LOG_VKEY,
  ED25519_WITNESS_VKEY,
  ML_DSA_CHECKPOINT,
  ML_DSA_WITNESS_VKEY,
  SPEC_VKEY,
} from './published-fixture.ts';
import {
  formatSignedCheckpoint,
  parseSignedCheckpoint,
  signCheckpoint,
  verifyCheckpoint,
} from './signed-checkpoint.ts';
import { signerNamed } from './signer-fixture.ts';

const CHECKPOINT = {
  origin: 'registry.example/main',
  size: 7,
  root: leafHash(Buffer.from('root')),
  extensions: [],
};

describe('a published checkpoint', () => {
  it.each([ED25519_CHECKPOINT, ML_DSA_CHECKPOINT])('is read and written byte for byte', (text) => {
    expect(formatSignedCheckpoint(parseSignedCheckpoint(Buffer.from(text)))).toBe(text);
  });

  it('is verified with the keys of its log and its witness', () => {
    const signed = parseSignedCheckpoint(ED25519_CHECKPOINT);
    const log = parseVkey(ED25519_LOG_VKEY);
    const witness = parseVkey(ED25519_WITNESS_VKEY);
    expect(verifyCheckpoint(signed, [log])).toEqual({ ok: true, signatures: [{ key: log }] });
    expect(verifyCheckpoint(signed, [log, parseVkey(SPEC_VKEY), witness])).toEqual({
      ok: true,
      signatures: [{ key: log }, { key: witness, timestamp: 1_779_573_024 }],
    });
    expect(verifyCheckpoint(signed, [parseVkey(SPEC_VKEY)])).toEqual({ ok: false, reason: 'unknown_signers' });
    const forged = { ...signed, checkpoint: { ...signed.checkpoint, size: 42 } };
    expect(verifyCheckpoint(forged, [witness])).toEqual({ ok: false, reason: 'bad_signature' });
  });

  it('is verified with an ML-DSA-44 key of a witness that has signed twice', () => {
    const key = parseVkey(ML_DSA_WITNESS_VKEY);
    expect(verifyCheckpoint(parseSignedCheckpoint(ML_DSA_CHECKPOINT), [key])).toEqual({
      ok: true,
      signatures: [{ key, timestamp: 1_785_704_691 }],
    });
  });
});

describe('a signed checkpoint', () => {
  const log = signerNamed(CHECKPOINT.origin, 'ed25519');
  const witness = signerNamed('witness.example/w1', 'cosignature-ml-dsa-44');

  it.each<[NoteKeyType, number | undefined]>([
    ['ed25519', undefined],
    ['cosignature-ed25519', 1_700_000_000],
    ['cosignature-ml-dsa-44', 1_700_000_000],
  ])('may be signed with a key of type %s', (type, timestamp) => {
    const signer = signerNamed('registry.example/main', type);
    const signatures = [signCheckpoint(CHECKPOINT, 1_700_000_000, signer)];
    const read = parseSignedCheckpoint(formatSignedCheckpoint({ checkpoint: CHECKPOINT, signatures }));
    const verdict = verifyCheckpoint(read, [signer.key]);
    expect(verdict).toEqual({
      ok: true,
      signatures: [timestamp === undefined ? { key: signer.key } : { key: signer.key, timestamp }],
    });
    for (const other of [
      { ...CHECKPOINT, origin: 'registry.example/fork' },
      { ...CHECKPOINT, size: 8 },
      { ...CHECKPOINT, root: leafHash(Buffer.from('fork')) },
    ]) {
      expect(verifyCheckpoint({ checkpoint: other, signatures }, [signer.key])).toEqual({
        ok: false,
        reason: 'bad_signature',
      });
    }
  });

  it('is void as soon as one signature of a known key is forged, and not for those of others', () => {
    const good = signCheckpoint(CHECKPOINT, 1, log);
    const stranger = signCheckpoint(CHECKPOINT, 1, signerNamed('stranger.example', 'ed25519'));
    const forged = { ...signCheckpoint(CHECKPOINT, 1, witness), bytes: Buffer.alloc(2_428) };
    const signed = { checkpoint: CHECKPOINT, signatures: [good, stranger, forged] };
    expect(verifyCheckpoint(signed, [log.key])).toMatchObject({ ok: true });
    expect(verifyCheckpoint(signed, [log.key, witness.key])).toEqual({ ok: false, reason: 'bad_signature' });
    const impostor = { ...stranger, name: log.key.name };
    expect(verifyCheckpoint({ ...signed, signatures: [impostor] }, [log.key])).toEqual({
      ok: false,
      reason: 'unknown_signers',
    });
    const again = { ...stranger, name: log.key.name, keyId: log.key.id };
    expect(verifyCheckpoint({ ...signed, signatures: [good, again] }, [log.key]).ok).toBe(false);
    expect(verifyCheckpoint(signed, [])).toEqual({ ok: false, reason: 'unknown_signers' });
  });

  it('has the text of a checkpoint: other notes are refused', () => {
    const { bytes, name, keyId } = signCheckpoint(CHECKPOINT, 1, log);
    const line = Buffer.alloc(4);
    line.writeUInt32BE(keyId);
    const signature = `\u2014 ${name} ${Buffer.concat([line, bytes]).toString('base64')}\n`;
    expect(() => parseSignedCheckpoint(`not\na checkpoint\n\n${signature}`)).toThrow(
      expect.objectContaining({ name: 'TlogMalformed', reason: 'checkpoint_lines' }),
    );
  });
});
