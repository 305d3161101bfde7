import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCheckpoint } from './checkpoint.ts';
import type { Checkpoint } from './checkpoint.ts';
import { cosign, cosignedMessage, verifyCosignature } from './cosignature.ts';
import { parseVkey } from './note-key.ts';
import type { NoteKeyType } from './note-key.ts';
import {
  ED25519_CHECKPOINT,
  ED25519_WITNESS_VKEY,
  ML_DSA_CHECKPOINT,
  ML_DSA_WITNESS_VKEY,
} from './published-fixture.ts';
import { parseSignedCheckpoint } from './signed-checkpoint.ts';
import { signerNamed } from './signer-fixture.ts';

const SPEC_CHECKPOINT = parseCheckpoint(
  'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n',
);

const TYPES = ['cosignature-ed25519', 'cosignature-ml-dsa-44'] as const;

const checkpoints = () =>
  fc.record({
    origin: fc.constantFrom('a', 'example.com/log', 'o'.repeat(255)),
    size: fc.maxSafeNat(),
    root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    extensions: fc.constantFrom<readonly string[]>([], ['extension'], ['one', 'two']),
  });

describe('published cosignatures', () => {
  it.each([
    ['Ed25519', ED25519_CHECKPOINT, ED25519_WITNESS_VKEY, 1_779_573_024],
    ['ML-DSA-44', ML_DSA_CHECKPOINT, ML_DSA_WITNESS_VKEY, 1_785_704_691],
  ])('with %s verify, and tell their time', (_, note, vkey, timestamp) => {
    const key = parseVkey(vkey);
    const { checkpoint, signatures } = parseSignedCheckpoint(note);
    const times = signatures.map((signature) => verifyCosignature(checkpoint, signature, key));
    expect(times.filter((time) => time !== undefined)).toEqual([timestamp]);
    for (const signature of signatures) {
      expect(verifyCosignature({ ...checkpoint, size: checkpoint.size + 1 }, signature, key)).toBeUndefined();
    }
  });
});

describe('a cosigned message', () => {
  it('is that of the specification with Ed25519', () => {
    const { key } = signerNamed('witness.example.com/w1', 'cosignature-ed25519');
    expect(Buffer.from(cosignedMessage(SPEC_CHECKPOINT, 1_679_315_147, key)).toString()).toBe(
      'cosignature/v1\ntime 1679315147\n' +
        'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n',
    );
  });

  it('is the structure of the specification with ML-DSA-44', () => {
    const { key } = signerNamed('w1', 'cosignature-ml-dsa-44');
    const message = Buffer.from(cosignedMessage(SPEC_CHECKPOINT, 1_679_315_147, key)).toString('hex');
    const origin = Buffer.from('example.com/behind-the-sofa').toString('hex');
    expect(message).toBe(
      [
        '737562747265652f76310a00', // "subtree/v1\n\0"
        '027731', // cosigner name
        '00000000641850cb', // timestamp
        `1b${origin}`,
        '0000000000000000', // start
        '00000000013e2dc3', // end
        Buffer.from(SPEC_CHECKPOINT.root).toString('hex'),
      ].join(''),
    );
  });

  it('is not made for keys that sign texts, nor for times that are none', () => {
    const { key } = signerNamed('w1', 'ed25519');
    expect(() => cosignedMessage(SPEC_CHECKPOINT, 1, key)).toThrow(RangeError);
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53]) {
      for (const type of TYPES) expect(() => cosign(SPEC_CHECKPOINT, bad, signerNamed('w1', type))).toThrow(RangeError);
    }
  });
});

describe.each<NoteKeyType>(TYPES)('a cosignature of type %s', (type) => {
  const signer = signerNamed('witness.example.com/w1', type);

  it('verifies for its checkpoint, time and key only', () => {
    const others = [
      signerNamed('witness.example.com/w1', type).key,
      { ...signer.key, name: 'witness.example.com/w2' },
      { ...signer.key, id: signer.key.id ^ 1 },
    ];
    fc.assert(
      fc.property(checkpoints(), fc.maxSafeNat(), fc.nat(), (checkpoint, time, at) => {
        const signed = cosign(checkpoint, time, signer);
        expect(signed).toMatchObject({ name: signer.key.name, keyId: signer.key.id });
        expect(verifyCosignature(checkpoint, signed, signer.key)).toBe(time);
        for (const key of others) expect(verifyCosignature(checkpoint, signed, key)).toBeUndefined();
        for (const other of tampered(checkpoint)) expect(verifyCosignature(other, signed, signer.key)).toBeUndefined();

        const bytes = Buffer.from(signed.bytes);
        const flip = at % bytes.length;
        bytes.writeUInt8((bytes[flip] ?? 0) ^ (1 << (at % 8)), flip);
        expect(verifyCosignature(checkpoint, { ...signed, bytes }, signer.key)).toBeUndefined();
        for (const cut of [signed.bytes.subarray(1), signed.bytes.subarray(8), Buffer.concat([bytes, Buffer.of(0)])]) {
          expect(verifyCosignature(checkpoint, { ...signed, bytes: cut }, signer.key)).toBeUndefined();
        }
      }),
      { numRuns: 25 },
    );
  });

  it('commits to the extension lines with Ed25519, and does not with ML-DSA-44', () => {
    const signed = cosign(SPEC_CHECKPOINT, 7, signer);
    const extended = { ...SPEC_CHECKPOINT, extensions: ['more'] };
    expect(verifyCosignature(extended, signed, signer.key)).toBe(type === 'cosignature-ed25519' ? undefined : 7);
  });

  it('is none, and no error, when its bytes are too few or its time too late', () => {
    const signed = cosign(SPEC_CHECKPOINT, 7, signer);
    const late = Buffer.from(signed.bytes);
    late.writeBigUInt64BE(2n ** 53n);
    for (const bytes of [Buffer.of(1), Buffer.alloc(8), late]) {
      expect(verifyCosignature(SPEC_CHECKPOINT, { ...signed, bytes }, signer.key)).toBeUndefined();
    }
  });

  it('may have the time zero, which is not undefined', () => {
    expect(verifyCosignature(SPEC_CHECKPOINT, cosign(SPEC_CHECKPOINT, 0, signer), signer.key)).toBe(0);
  });

  function tampered(checkpoint: Checkpoint): Checkpoint[] {
    const root = Uint8Array.from(checkpoint.root);
    root[31] = (root[31] ?? 0) ^ 1;
    return [
      { ...checkpoint, origin: `${checkpoint.origin.slice(1)}b` },
      { ...checkpoint, size: checkpoint.size === 0 ? 1 : checkpoint.size - 1 },
      { ...checkpoint, root },
    ];
  }
});
