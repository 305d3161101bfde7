import { hashBytes } from '@macronode/content';
import type { NameClaim } from '@macronode/contracts';
import { generateKey, verify } from '@macronode/keys';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIfMatch } from './if-match.ts';
import { canonicalRecord, entityTag, isExpired, signClaim, verifyRecord } from './name-record.ts';

const key = generateKey('ed25519');

const claim = (fields: Partial<NameClaim> = {}): NameClaim => ({
  v: 1,
  name: 'docs.example',
  seq: 1,
  target: hashBytes(Buffer.from('one')),
  ttl_s: 60,
  owner: key.publicKeyHex,
  not_after: '2099-01-01T00:00:00Z',
  ...fields,
});

const refused = (reason: string) => expect.objectContaining({ code: 'bad_signature', reason });

describe('a name record', () => {
  it('is signed as documented: domain, hash of the canonical claim, newline', () => {
    const { sig } = signClaim(claim(), key);
    const canonical =
      `{"name":"docs.example","not_after":"2099-01-01T00:00:00Z","owner":"${key.publicKeyHex}","seq":1,` +
      `"target":"${hashBytes(Buffer.from('one'))}","ttl_s":60,"v":1}`;
    const message = `${hashBytes(Buffer.from(canonical))}\n`;
    expect(verify('ed25519', key.publicKeyHex, 'ron:index:name:v1\n', message, sig)).toBe(true);
  });

  it('verifies as signed, and not with any field changed', () => {
    const signed = signClaim(claim(), key);
    verifyRecord(signed);
    const changes: Partial<NameClaim>[] = [
      { seq: 2 },
      { name: 'docs.other' },
      { target: hashBytes(Buffer.from('two')) },
      { manifest: hashBytes(Buffer.from('m')) },
      { ttl_s: 61 },
      { not_after: '2099-01-01T00:00:01Z' },
      { owner: generateKey('ed25519').publicKeyHex },
    ];
    for (const change of changes) {
      expect(() => verifyRecord({ record: { ...signed.record, ...change }, sig: signed.sig })).toThrow(
        refused('signature'),
      );
    }
    expect(() => verifyRecord({ ...signed, sig: '' })).toThrow(refused('signature'));
  });

  it('is refused under an owner key anyone can sign with', () => {
    const owner = `01${'00'.repeat(31)}`;
    const sig = Buffer.concat([Buffer.from(owner, 'hex'), Buffer.alloc(32)]).toString('base64');
    expect(() => verifyRecord({ record: claim({ owner }), sig })).toThrow(refused('key'));
  });

  it('has a tag that depends on the claim and the signature, not on the order of fields', () => {
    const signed = signClaim(claim(), key);
    const reordered = { sig: signed.sig, record: Object.fromEntries(Object.entries(signed.record).reverse()) };
    const tag = entityTag(canonicalRecord(signed));
    expect(entityTag(canonicalRecord(reordered as typeof signed))).toBe(tag);
    expect(entityTag(canonicalRecord({ ...signed, sig: 'AAAA' }))).not.toBe(tag);
  });

  it('runs out at not_after', () => {
    const end = Date.parse('2099-01-01T00:00:00Z');
    expect(isExpired(claim(), end - 1)).toBe(false);
    expect(isExpired(claim(), end)).toBe(true);
  });
});

describe('parseIfMatch', () => {
  it('reads what RFC 9110 allows', () => {
    expect(parseIfMatch('*')).toBe('*');
    expect(parseIfMatch('"b3:aa"')).toEqual(['b3:aa']);
    expect(parseIfMatch(' "a" , W/"b" ,, "c"')).toEqual(['a', 'c']);
    expect(parseIfMatch('')).toEqual([]);
  });

  it.each(['a', '"a', 'w/"a"', '"a" "b"', '*,"a"', '"a\n"'])('refuses %j', (field) => {
    expect(() => parseIfMatch(field)).toThrow(expect.objectContaining({ code: 'bad_request', reason: 'if_match' }));
  });

  it('never throws anything else', () => {
    fc.assert(
      fc.property(fc.string(), (field) => {
        try {
          parseIfMatch(field);
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad_request' });
        }
      }),
    );
  });
});
