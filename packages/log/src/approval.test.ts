import { createPrivateKey } from 'node:crypto';
import { canonicalJson, hashBytes } from '@macronode/content';
import { generateKey, SigningKey } from '@macronode/keys';
import { describe, expect, it } from 'vitest';
import { approve, verifyApproval } from './approval.ts';
import { canonicalPayload, EntryTooLarge, makeLeaf } from './leaf.ts';
import { approvalSubject, signRequest, verifyRequest } from './request-claim.ts';
import { signerOf } from './signer-set.ts';

const LOG = 'registry.example/main';

/** The key whose seed is 32 bytes of 7. */
function vectorKey(): SigningKey {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]);
  return new SigningKey('ed25519', createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
}

describe('an approval', () => {
  it('is the one of the published vector', () => {
    const payload = {
      expires_at: '2026-12-31T00:00:00Z',
      items: [{ addr: 'https://n1.example:443/', id: 'node-1', kind: 'node' }],
      log: LOG,
      prev_hash: null,
      schema_version: '1.0.0',
      signer_set_version: 0,
      version: 1,
    };
    const { hash } = canonicalPayload(payload);
    expect(hash).toBe('b3:32036f1badbfec910f937a677dffa5324aff8aef3c585e1109ecd8f9cd3b234b');
    const key = vectorKey();
    expect(key.publicKeyHex).toBe('ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c');
    const { sig } = approve(key, 'org:example#key1', hash, new Date(0));
    expect(sig).toBe('u1brd2bJ7Ha5Ahq+YEkte9dU8To8qwYQOHSnDcpJDajmzg2lTkGireIRV4BspKwIpA33M0kVvfRkC8oCkpm6Dw==');
  });

  it.each(['ed25519', 'ml-dsa-44'] as const)('of %s verifies for its payload, signer and purpose only', (algorithm) => {
    const key = generateKey(algorithm);
    const signer = signerOf(key, LOG, 'org:a#1');
    const hash = hashBytes(Buffer.from('payload'));
    const approval = approve(key, 'org:a#1', hash, new Date());
    expect(verifyApproval(signer, hash, approval)).toBe(true);
    expect(verifyApproval(signer, hashBytes(Buffer.from('other')), approval)).toBe(false);
    expect(verifyApproval(signerOf(generateKey(algorithm), LOG, 'org:a#1'), hash, approval)).toBe(false);
    expect(verifyApproval(signer, hash, { ...approval, sig: signer.possession })).toBe(false);
  });
});

describe('a signed request', () => {
  it('is bound to what it asks, of which log, about what, by whom, and when', () => {
    const key = generateKey('ed25519');
    const signer = signerOf(key, LOG, 'org:a#1');
    const target = { action: 'approve', log: LOG, subject: hashBytes(Buffer.from('x')) } as const;
    const auth = signRequest(key, 'org:a#1', target, new Date());
    expect(verifyRequest(signer, target, auth)).toBe(true);
    for (const other of [
      { ...target, action: 'commit' as const },
      { ...target, log: 'other.example/log' },
      { ...target, subject: hashBytes(Buffer.from('y')) },
    ]) {
      expect(verifyRequest(signer, other, auth)).toBe(false);
    }
    for (const changed of [
      { nonce: '0'.repeat(32) },
      { expires_at: '2099-01-01T00:00:00Z' },
      { signer_id: 'org:b#1' },
    ]) {
      expect(verifyRequest(signer, target, { ...auth, ...changed })).toBe(false);
    }
  });

  it('for an approval names the proposal and the approval', () => {
    const approval = approve(generateKey('ed25519'), 'org:a#1', 'b3:1', new Date(0));
    expect(approvalSubject('b3:1', approval)).not.toBe(approvalSubject('b3:2', approval));
    expect(approvalSubject('b3:1', approval)).not.toBe(approvalSubject('b3:1', { ...approval, sig: '' }));
  });
});

describe('a leaf', () => {
  const payload = {
    schema_version: '1.0.0' as const,
    log: LOG,
    version: 1,
    prev_hash: null,
    signer_set_version: 0,
    expires_at: '2030-01-01T00:00:00Z',
    kind: 'set' as const,
    items: [{ id: 'n', kind: 'node' }],
  };

  it('has one spelling, whatever the order of its approvals', () => {
    const canonical = canonicalPayload(payload);
    const approvals = ['org:b#1', 'org:a#1', 'org:c#1'].map((id) =>
      approve(vectorKey(), id, canonical.hash, new Date(0)),
    );
    const one = makeLeaf(payload, canonical, approvals, new Date(0));
    const two = makeLeaf(payload, canonical, approvals.toReversed(), new Date(0));
    expect(one.text).toBe(two.text);
    expect(one.hash).toBe(hashBytes(Buffer.from(one.text)));
    expect(canonicalJson(JSON.parse(one.text))).toBe(one.text);
    expect(one.leaf.approvals.map(({ signer_id }) => signer_id)).toEqual(['org:a#1', 'org:b#1', 'org:c#1']);
  });

  it('holds sixteen post-quantum approvals, and refuses what an entry bundle cannot', () => {
    const canonical = canonicalPayload(payload);
    const approval = approve(generateKey('ml-dsa-44'), `org:${'x'.repeat(120)}`, canonical.hash, new Date(0));
    const many = (count: number) => Array.from({ length: count }, () => approval);
    expect(makeLeaf(payload, canonical, many(16), new Date(0)).text.length).toBeLessThan(65_536);
    expect(() => makeLeaf(payload, canonical, many(20), new Date(0))).toThrow(EntryTooLarge);
  });

  it('refuses a payload over its limit', () => {
    const big = { ...payload, items: [{ id: 'n', kind: 'node', attrs: { x: 'y'.repeat(983_040) } }] };
    expect(() => canonicalPayload(big)).toThrow(EntryTooLarge);
  });
});
