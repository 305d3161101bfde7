import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MESH_LIMITS } from '../mesh-limits.ts';
import { KEYS, START_MS, enveloped } from './claim-fixture.ts';
import { CLAIM_KINDS, CLAIM_REASONS } from './claim.ts';
import type { Claim, ClaimKind } from './claim.ts';
import { decodeEnvelope, isSigned, signEnvelope } from './envelope.ts';
import { ClaimMalformed } from './malformed.ts';
import type { MalformedField } from './malformed.ts';

const key = KEYS[0]!;
const malformed = (field: MalformedField): unknown => expect.objectContaining({ name: 'ClaimMalformed', field });
const decode = (bytes: Uint8Array) => decodeEnvelope(bytes, MESH_LIMITS);

const SUBJECTS: Readonly<Record<ClaimKind, string>> = {
  waf_reputation: '192.0.2.7',
  rate_saturation: '2001:db8::1',
  upstream_unhealthy: 'søk/2',
  identity_revoked: KEYS[1]!.publicKeyHex,
};

/** The bytes of an envelope with some of them changed; the signature is made anew over nothing, as decoding does not look. */
function changed(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(values, at);
  return copy;
}

function threwOnlyMalformed(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(ClaimMalformed);
    return true;
  }
}

describe('an envelope', () => {
  it('of every kind comes back as it was signed, within 256 bytes', () => {
    const claims = fc.record({
      kind: fc.constantFrom(...CLAIM_KINDS),
      thousandths: fc.nat(1_000),
      reason: fc.constantFrom(...CLAIM_REASONS),
      ttlS: fc.integer({ min: 1, max: MESH_LIMITS.ttlMaxSeconds }),
      madeAtMs: fc.nat(2 ** 43 - 1),
      ahead: fc.nat(1_000),
      revoked: fc.boolean(),
    });
    fc.assert(
      fc.property(claims, ({ kind, thousandths, reason, ttlS, madeAtMs, ahead, revoked }) => {
        const claim: Claim = { kind, subject: SUBJECTS[kind], score: revoked ? 0 : thousandths / 1_000, reason, ttlS };
        const moment = { seq: madeAtMs * 1_024 + ahead, madeAtMs, revoked };
        const envelope = signEnvelope(key, claim, moment, MESH_LIMITS);
        expect(envelope).toEqual({ ...claim, ...moment, source: key.publicKeyHex, bytes: envelope.bytes });
        expect(envelope.bytes.length).toBeLessThan(256);
        expect(decode(envelope.bytes)).toEqual(envelope);
        expect(isSigned(envelope)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps bytes of its own', () => {
    const buffer = Buffer.concat([Buffer.alloc(1_000), enveloped(key).bytes]);
    const envelope = decode(buffer.subarray(1_000));
    buffer.fill(0);
    expect(isSigned(envelope)).toBe(true);
    expect(envelope.bytes).toEqual(decode(envelope.bytes).bytes);
  });

  it('is laid out as it is documented', () => {
    const { bytes } = enveloped(key, {}, { seq: START_MS * 1_024 + 3 });
    const view = Buffer.from(bytes);
    expect(view.toString('latin1', 0, 2)).toBe('MC');
    expect([...view.subarray(2, 6)]).toEqual([1, 1, 0, 1]);
    expect(view.toString('hex', 6, 38)).toBe(key.publicKeyHex);
    expect(view.readBigUInt64BE(38)).toBe(BigInt(START_MS) * 1_024n + 3n);
    expect(view.readBigUInt64BE(46)).toBe(BigInt(START_MS));
    expect([view.readUInt32BE(54), view.readUInt16BE(58), view[60]]).toEqual([600, 500, 16]);
    expect(view.toString('hex', 61, 77)).toBe('00000000000000000000ffffc0000207');
    expect(view.length).toBe(141);
  });
});

describe('decoding', () => {
  const { bytes } = enveloped(key);
  const name = enveloped(key, { kind: 'upstream_unhealthy', subject: 'abcd' });
  const node = enveloped(key, { kind: 'identity_revoked', subject: SUBJECTS.identity_revoked });
  const revoked = enveloped(key, {}, { revoked: true });

  it.each<[string, MalformedField, Uint8Array]>([
    ['nothing', 'length', new Uint8Array()],
    ['another magic', 'magic', changed(bytes, 0, 0x4e)],
    ['version 0', 'version', changed(bytes, 2, 0)],
    ['version 2', 'version', changed(bytes, 2, 2)],
    ['kind 0', 'kind', changed(bytes, 3, 0)],
    ['kind 5', 'kind', changed(bytes, 3, 5)],
    ['an unknown flag', 'flags', changed(bytes, 4, 2)],
    ['a known and an unknown flag', 'flags', changed(revoked.bytes, 4, 3)],
    ['an unknown reason', 'reason', changed(bytes, 5, 7)],
    ['a seq of 54 bits', 'seq', changed(bytes, 38, 0, 0x20)],
    ['a seq below its time', 'seq', changed(bytes, 38, 0, 0, 0, 0, 0, 0, 0, 1)],
    ['a time of 54 bits', 'made_at', changed(bytes, 46, 0, 0x20)],
    ['a ttl of 0', 'ttl', changed(bytes, 54, 0, 0, 0, 0)],
    ['a ttl over the limit', 'ttl', changed(bytes, 54, 0, 1, 0x51, 0x81)],
    ['a score over 1', 'score', changed(bytes, 58, 0x03, 0xe9)],
    ['a score of what is taken back', 'score', changed(revoked.bytes, 58, 0, 1)],
    ['a byte after its end', 'length', Buffer.concat([bytes, Buffer.alloc(1)])],
    ['a length too long', 'length', changed(bytes, 60, 17)],
    ['a length too short', 'length', changed(bytes, 60, 15)],
    ['a length of 255', 'length', changed(bytes, 60, 255)],
    ['an address of 4 bytes', 'subject', changed(name.bytes, 3, 1)],
    ['a node id of 16 bytes', 'subject', changed(bytes, 3, 4)],
    ['a name that is not UTF-8', 'subject', changed(name.bytes, 61, 0xff)],
    ['a name in overlong UTF-8', 'subject', changed(name.bytes, 61, 0xc1, 0x81)],
    ['a name with a newline', 'subject', changed(name.bytes, 61, 0x0a)],
    ['a name with a C1 control', 'subject', changed(name.bytes, 61, 0xc2, 0x9b)],
    ['an empty name', 'subject', Buffer.concat([changed(name.bytes.subarray(0, 61), 60, 0), name.bytes.subarray(65)])],
  ])('refuses %s', (_, field, input) => {
    expect(() => decode(input)).toThrow(malformed(field));
  });

  it('takes the last ttl and score, and a byte order mark as part of a name', () => {
    expect(decode(changed(bytes, 54, 0, 1, 0x51, 0x80)).ttlS).toBe(86_400);
    expect(decode(changed(bytes, 58, 0x03, 0xe8)).score).toBe(1);
    expect(decode(changed(name.bytes, 61, 0xef, 0xbb, 0xbf)).subject).toBe('\ufeffd');
    expect(() => decodeEnvelope(name.bytes, { ...MESH_LIMITS, subjectBytes: 3 })).toThrow(malformed('subject'));
  });

  it('refuses every cut, with its own error', () => {
    for (const whole of [bytes, name.bytes, node.bytes, revoked.bytes]) {
      for (let length = 0; length < whole.length; length += 1) {
        expect(threwOnlyMalformed(() => decode(whole.subarray(0, length)))).toBe(true);
        expect(threwOnlyMalformed(() => decode(whole.subarray(whole.length - length)))).toBe(true);
      }
    }
  });

  it('lets no flipped bit through to a good signature', () => {
    for (const whole of [bytes, name.bytes, node.bytes, revoked.bytes]) {
      for (let bit = 0; bit < whole.length * 8; bit += 1) {
        const flipped = changed(whole, bit >> 3, whole[bit >> 3]! ^ (1 << (bit & 7)));
        const refused = threwOnlyMalformed(() => {
          const envelope = decode(flipped);
          expect(Buffer.from(envelope.bytes).equals(flipped)).toBe(true);
          expect(isSigned(envelope)).toBe(false);
        });
        expect(typeof refused).toBe('boolean');
      }
    }
  });

  it('takes from random bytes, and from damaged envelopes, only what has one encoding', () => {
    const damaged = fc
      .array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 })
      .map((edits) => edits.reduce<Uint8Array>((whole, [at, value]) => changed(whole, at, value), bytes));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), damaged), (input) => {
        threwOnlyMalformed(() => {
          const { source, ...envelope } = decode(input);
          const again = signEnvelope(key, envelope, envelope, MESH_LIMITS).bytes;
          const body = Buffer.from(input.subarray(0, -64));
          body.write(key.publicKeyHex, 6, 'hex');
          expect(Buffer.compare(again.subarray(0, -64), body)).toBe(0);
          expect(source).toHaveLength(64);
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('signing', () => {
  it.each<[MalformedField, Partial<Claim>]>([
    ['kind', { kind: 'other' as ClaimKind }],
    ['reason', { reason: 'other' as Claim['reason'] }],
    ['score', { score: 1.001 }],
    ['score', { score: -0.001 }],
    ['score', { score: Number.NaN }],
    ['ttl', { ttlS: 0 }],
    ['ttl', { ttlS: 1.5 }],
    ['ttl', { ttlS: 86_401 }],
    ['subject', { subject: '::ffff:192.0.2.7' }],
    ['subject', { subject: 'localhost' }],
    ['subject', { kind: 'upstream_unhealthy', subject: '' }],
    ['subject', { kind: 'upstream_unhealthy', subject: 'ø'.repeat(33) }],
    ['subject', { kind: 'upstream_unhealthy', subject: '\ud800' }],
    ['subject', { kind: 'upstream_unhealthy', subject: 'a\u0000' }],
    ['subject', { kind: 'identity_revoked', subject: key.publicKeyHex.toUpperCase() }],
  ])('refuses a wrong %s', (field, claim) => {
    expect(() => enveloped(key, claim)).toThrow(malformed(field));
  });

  it.each<[MalformedField, object]>([
    ['seq', { seq: 2 ** 53 }],
    ['seq', { seq: START_MS * 1_024 - 1 }],
    ['made_at', { madeAtMs: -1, seq: 1 }],
    ['made_at', { madeAtMs: 1.5, seq: 1e6 }],
  ])('refuses a wrong %s', (field, moment) => {
    expect(() => enveloped(key, {}, moment)).toThrow(malformed(field));
  });

  it('is for this purpose only', () => {
    const { bytes } = enveloped(key);
    const body = bytes.subarray(0, -64);
    const other = Buffer.concat([body, Buffer.from(key.sign('ron:mesh:other:v1\n', body), 'base64')]);
    expect(isSigned(decode(other))).toBe(false);
  });
});
