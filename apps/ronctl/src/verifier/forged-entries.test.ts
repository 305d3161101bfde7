import { describe, expect, test } from 'vitest';
import { generateKey } from '@macronode/keys';
import { REGISTRY_APPROVAL_DOMAIN, type RegistryApproval } from '@macronode/contracts';
import { type Hands, KEYS, NOW, keyOf, membersOf } from '../registry/built-log-fixture.ts';
import { ServedLog } from '../registry/served-log-fixture.ts';
import {
  AB,
  AC,
  AD,
  type HandsAt,
  ROOT_KEY,
  ROTATED_AT,
  ROTATION,
  built,
  failureOf,
  verified,
} from './verified-log-fixture.ts';

/** The approvals of a version, with those of some signer made otherwise. */
const signedBy = (
  id: string,
  change: (approval: RegistryApproval, hash: string) => RegistryApproval | undefined,
): Hands => ({
  approvals: (approvals, hash) =>
    approvals.flatMap((each) => (each.signer_id === id ? (change(each, hash) ?? []) : [each])),
});

const sign = (id: string, domain: string, hash: string): string => keyOf(id).sign(domain, `${hash}\n`);
const LATER = new Date(NOW.getTime() + 7_200_000).toISOString();
const WEAK = { ...membersOf(['org:d#1'])[0]!, public_key: `01${'00'.repeat(31)}` };

type Forgery = readonly [name: string, version: number, says: RegExp, hands: HandsAt];

describe('what a dishonest writer puts into the log, hashes, links and signs is found, and the version named', () => {
  const cases: readonly Forgery[] = [
    [
      'a forged approval',
      2,
      /approval of org:a#1 does not verify/,
      { 2: signedBy('org:a#1', (each) => ({ ...each, sig: Buffer.alloc(64).toString('base64') })) },
    ],
    [
      'an approval made for another purpose',
      2,
      /approval of org:b#1 does not verify/,
      {
        2: signedBy('org:b#1', (each, hash) => ({ ...each, sig: sign('org:b#1', 'ron:registry:request:v1\n', hash) })),
      },
    ],
    [
      'an approval of another payload',
      7,
      /approval of org:d#1 does not verify/,
      {
        7: signedBy('org:d#1', (each) => ({
          ...each,
          sig: sign('org:d#1', REGISTRY_APPROVAL_DOMAIN, `b3:${'0'.repeat(64)}`),
        })),
      },
    ],
    [
      'an approval under the id of another',
      1,
      /approval of org:a#1 does not verify/,
      { 1: signedBy('org:a#1', (each, hash) => ({ ...each, sig: sign('org:d#1', REGISTRY_APPROVAL_DOMAIN, hash) })) },
    ],
    [
      'an approval by a key that was revoked',
      6,
      /org:c#1 approves and is not in the signer set/,
      { 6: { approvers: ['org:a#1', 'org:c#1', 'org:d#1'] } },
    ],
    [
      'an approval by a key that is not yet in force',
      3,
      /org:d#1 approves and is not in the signer set/,
      { 3: { approvers: ['org:a#1', 'org:c#1', 'org:d#1'] } },
    ],
    ['too few approvals', 8, /1 of the signers in force approve, 2 are needed/, { 8: { approvers: ['org:a#1'] } }],
    ['no approvals', 1, /0 of the signers in force/, { 1: { approvers: [] } }],
    [
      'too few post-quantum approvals',
      2,
      /0 of the signers in force approve post-quantum, 1 are needed/,
      { 2: { approvers: AB } },
    ],
    ['one signer twice', 9, /org:a#1 approves twice/, { 9: { approvers: ['org:a#1', 'org:a#1'] } }],
    ['approvals out of order', 9, /not sorted/, { 9: { approvals: (approvals) => approvals.toReversed() } }],
    [
      'a rotation without the quorum of the new signers',
      ROTATED_AT,
      /1 of the signers it brings approve, 2 are needed/,
      { 5: { approvers: AC } },
    ],
    [
      'a rotation without the quorum of the old signers',
      ROTATED_AT,
      /1 of the signers in force approve, 2 are needed/,
      { 5: { approvers: AD } },
    ],
    [
      'a payload whose leaf names another',
      ROTATED_AT,
      /payload_b3 is not the hash/,
      { 5: { leaf: (leaf) => (leaf['payload_b3'] = `b3:${'1'.repeat(64)}`) } },
    ],
    [
      'more signers than a set may have',
      ROTATED_AT,
      /17 signers are more than 16/,
      { 5: { content: { ...ROTATION, signers: Array.from({ length: 17 }, () => membersOf(['org:a#1'])[0]!) } } },
    ],
    [
      'a signer with a member nobody knows',
      ROTATED_AT,
      /a signer has a member nobody knows: weight/,
      { 5: { content: { ...ROTATION, signers: membersOf(AB).map((each) => ({ ...each, weight: 2 })) } } },
    ],
    [
      'a payload with a member nobody knows',
      6,
      /the payload has a member nobody knows: vkey/,
      { 6: { payload: (payload) => (payload['vkey'] = 'x') } },
    ],
    [
      'an item with a member nobody knows',
      2,
      /an item has a member nobody knows: owner/,
      { 2: { content: { kind: 'set', items: [{ id: 'n', kind: 'node', owner: 'x' }] } } },
    ],
    ['an item that is no object', 2, /an item is not an object/, { 2: { content: { kind: 'set', items: ['n'] } } }],
    [
      'a policy with a member nobody knows',
      3,
      /the policy has a member nobody knows: until/,
      { 3: { content: { kind: 'policy', policy: { version: 1, bundle: `b3:${'0'.repeat(64)}`, until: 'x' } } } },
    ],
    [
      'a root key with a member nobody knows',
      7,
      /a root key has a member nobody knows: scope/,
      { 7: { content: { kind: 'root_keys', root_keys: [ROOT_KEY, { ...ROOT_KEY, scope: 'x' }] } } },
    ],
    ...['2026', '2026-03-01T12:00:00+00:00', '1 March 2026', '2026-02-30T12:00:00Z'].map((text): Forgery => [
      `a time spelled ${text}`,
      6,
      /committed_at of the leaf is not an instant/,
      { 6: { leaf: (leaf) => (leaf['committed_at'] = text) } },
    ]),
    [
      'signers with an id twice',
      ROTATED_AT,
      /org:b#1 is named twice/,
      { 5: { content: { ...ROTATION, signers: membersOf(['org:a#1', 'org:b#1', 'org:b#1']) } } },
    ],
    [
      'signers with a key twice',
      ROTATED_AT,
      /org:e#1 has the key of another/,
      {
        5: {
          content: {
            ...ROTATION,
            signers: membersOf(['org:a#1', 'org:e#1'], { ...KEYS, 'org:e#1': keyOf('org:a#1') }),
          },
        },
      },
    ],
    [
      'signers with a key nobody holds',
      ROTATED_AT,
      /org:d#1 is not shown to be held/,
      {
        5: {
          content: {
            ...ROTATION,
            signers: [
              ...membersOf(AB),
              { ...membersOf(['org:d#1'])[0]!, possession: membersOf(['org:b#1'])[0]!.possession },
            ],
          },
        },
      },
    ],
    [
      'signers with a key of small order',
      ROTATED_AT,
      /org:d#1 is a point of small order/,
      { 5: { content: { ...ROTATION, signers: [...membersOf(AB), WEAK] } } },
    ],
    ['a quorum nobody can reach', ROTATED_AT, /m is 4 of 3 signers/, { 5: { content: { ...ROTATION, m: 4 } } }],
    [
      'a set of signers that is not in force',
      7,
      /the signers in force are of 5, not 0/,
      { 7: { payload: (payload) => (payload['signer_set_version'] = 0) } },
    ],
    [
      'a link to another entry',
      6,
      /prev_hash is not the hash of the entry before/,
      { 6: { leaf: (leaf) => (leaf['prev_hash'] = `b3:${'2'.repeat(64)}`) } },
    ],
    [
      'a payload approved for another place',
      6,
      /approved for another version/,
      { 6: { payload: (payload) => (payload['version'] = 3), leaf: (leaf) => (leaf['version'] = 6) } },
    ],
    [
      'a payload approved for another log',
      6,
      /of the log other.example/,
      { 6: { payload: (payload) => (payload['log'] = 'other.example') } },
    ],
    [
      'a payload of another kind',
      6,
      /of another kind than its leaf/,
      { 6: { leaf: (leaf) => (leaf['kind'] = 'policy') } },
    ],
    [
      'an entry committed after it expired',
      8,
      /committed after it expired/,
      { 8: { leaf: (leaf) => (leaf['committed_at'] = LATER) } },
    ],
    [
      'a supersede of an older entry',
      4,
      /supersedes what is not the entry before/,
      { 4: { payload: (payload) => (payload['supersede_of'] = `b3:${'3'.repeat(64)}`) } },
    ],
    [
      'an entry after a seal',
      9,
      /sealed before/,
      { 8: { content: { kind: 'seal', successor: { log: 'next.example', vkey: 'v' } } } },
    ],
    ['a member nobody knows', 3, /a member nobody knows: note/, { 3: { leaf: (leaf) => (leaf['note'] = 'x') } }],
    [
      'a kind nobody knows',
      6,
      /nobody knows the kind other/,
      { 6: { content: { kind: 'other' as 'set' }, leaf: (leaf) => (leaf['kind'] = 'other') } },
    ],
    ['a wrong size of the payload', 2, /payload_size is not/, { 2: { leaf: (leaf) => (leaf['payload_size'] = 1) } }],
  ];
  test.each(cases)('%s', async (_name, version, says, hands) => {
    await using served = await ServedLog.open(built(hands));
    const failure = await failureOf(verified(served));
    expect(failure.message).toMatch(says);
    expect(failure.version).toBe(version);
  });

  test('the first of several, though a signature takes longer to find than a link', async () => {
    const forged = signedBy('org:a#1', (each) => ({ ...each, sig: Buffer.alloc(64).toString('base64') }));
    await using served = await ServedLog.open(built({ 3: forged, 4: { leaf: (leaf) => (leaf['prev_hash'] = null) } }));
    expect(await failureOf(verified(served))).toMatchObject({ version: 3, check: 'approvals' });
  });

  test('a signer that keeps its id and takes a new key needs both keys to count for both sets', async () => {
    const fresh = { ...KEYS, 'org:a#1': generateKey('ed25519') };
    const rekeyed = { ...ROTATION, signers: membersOf(['org:a#1', 'org:b#1', 'org:d#1'], fresh) };
    await using served = await ServedLog.open(
      built({ 5: { content: rekeyed, approvers: ['org:a#1', 'org:c#1', 'org:d#1'] } }),
    );
    const failure = await failureOf(verified(served));
    expect(failure.message).toMatch(/1 of the signers it brings approve, 2 are needed/);
  });
});
