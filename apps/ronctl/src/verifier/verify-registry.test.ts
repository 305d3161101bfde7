import { describe, expect, test } from 'vitest';
import { formatVkey } from '@macronode/log';
import { generateKey } from '@macronode/keys';
import { REGISTRY_APPROVAL_DOMAIN, type RegistryApproval } from '@macronode/contracts';
import {
  BuiltLog,
  type Content,
  type Hands,
  ITEMS,
  KEYS,
  LOG,
  NOW,
  genesisOf,
  keyOf,
  membersOf,
  noteSigner,
} from '../registry/built-log-fixture.ts';
import { ServedLog } from '../registry/served-log-fixture.ts';
import { AnchorRefused } from './anchors.ts';
import { HttpSource, SourceFailed } from './http-source.ts';
import { VerificationFailed } from './verification-failed.ts';
import { type Report, verifyRegistry } from './verify-registry.ts';

const AB = ['org:a#1', 'org:b#1'];
const AC = ['org:a#1', 'org:c#1'];
const AD = ['org:a#1', 'org:d#1'];
const ROTATION: Content = { kind: 'signers', m: 2, k_pq: 0, signers: membersOf(['org:a#1', 'org:b#1', 'org:d#1']) };
const ROTATED_AT = 5;

type HandsAt = Readonly<Record<number, Hands & { readonly content?: Content; readonly approvers?: readonly string[] }>>;

/** Nine entries of every kind but a seal, with a rotation at 5 from a, b, c to a, b, d. */
function built(hands: HandsAt = {}): BuiltLog {
  const log = new BuiltLog(genesisOf(2, 1));
  const add = (content: Content, approvers: readonly string[]): void => {
    const here = hands[log.entries.length + 1] ?? {};
    log.add(here.content ?? content, here.approvers ?? approvers, here);
  };
  const headHash = (): string => log.head?.entryB3 ?? '';
  add(ITEMS, AC);
  add(ITEMS, ['org:a#1', 'org:b#1', 'org:c#1']);
  add({ kind: 'policy', policy: { version: 1, bundle: headHash() } }, AC);
  add({ kind: 'supersede', supersede_of: headHash(), reason: 'data_error', note: '', items: [] }, AC);
  add(ROTATION, ['org:a#1', 'org:c#1', 'org:d#1']);
  for (let i = 0; i < 4; i += 1) add(ITEMS, AD);
  return log;
}

interface Around {
  readonly genesis?: string;
  readonly vkey?: string;
  readonly witnesses?: readonly string[];
}

const sourceOf = (url: string): HttpSource =>
  new HttpSource({ url, timeoutMs: 5_000, signal: new AbortController().signal });

function verified(served: ServedLog, around: Around = {}): Promise<Report> {
  const { log, url } = served;
  const given = { genesis: JSON.stringify(log.genesis), vkey: formatVkey(log.logKey.key), witnesses: [], ...around };
  return verifyRegistry({ source: sourceOf(url), given, onProgress: () => undefined });
}

async function failureOf(work: Promise<unknown>): Promise<VerificationFailed> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof VerificationFailed)) throw new Error('it should have failed', { cause: error });
  return error;
}

test('an honest log is verified whole, and the report says what was counted and who is trusted', async () => {
  await using served = await ServedLog.open(built());
  expect(await verified(served)).toMatchObject({
    ...{ log: LOG, versions: 9, approvals: 20, rotations: 1, sealed: false, checkpoint_size: 9, tiles: 2 },
    ...{ signers_from: 'given', vkey_from: 'given' },
    cosigned: [{ name: `${LOG}/cosigner`, at: NOW.toISOString() }],
  });
});

test('a log of several tiles has all of them compared, of both levels', async () => {
  const log = new BuiltLog(genesisOf(1));
  for (let i = 0; i < 600; i += 1) log.add(ITEMS, ['org:a#1']);
  await using served = await ServedLog.open(log);
  // Three of level 0 with their bundles, one of level 1.
  expect(await verified(served)).toMatchObject({ versions: 600, approvals: 600, tiles: 7 });
  const paths = served.seen.filter((each) => each.includes('/tile/'));
  expect(paths).toContain('GET /registry/tlog/tile/1/000.p/2');
  expect(paths).toContain('GET /registry/tlog/tile/entries/002.p/88');
});

test('a log without entries, and one without signers, are verified as such', async () => {
  await using empty = await ServedLog.open(new BuiltLog(genesisOf(1)));
  expect(await verified(empty)).toMatchObject({ versions: 0, checkpoint_size: 0, tiles: 0 });
  empty.replaced.set('/registry/tlog/checkpoint', { status: 404, body: '' });
  expect(await verified(empty)).toMatchObject({ versions: 0, root: null });
  empty.replaced.set('/registry/signers', { body: JSON.stringify({ ...empty.log.signers, state: 'no_signers' }) });
  expect(await verified(empty)).toMatchObject({ log: null, versions: 0 });
});

/** Replaces text in the line of a version, as it is served. */
const inLine = (version: number, from: string | RegExp, to: string) => (served: ServedLog) => {
  const entry = served.log.entries[version - 1]!;
  const changed = entry.line.replace(from, to);
  expect(changed).not.toBe(entry.line);
  entry.line = changed;
};

const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

const flipTile = (path: string, at: number) => (served: ServedLog) => {
  served.replaced.set(`/registry/tlog/${path}`, { body: flipped(served.log.tile(path)!, at) });
};

const asCheckpoint = (note: (log: BuiltLog) => string) => (served: ServedLog) => {
  served.replaced.set('/registry/tlog/checkpoint', { body: note(served.log) });
};

type Tampering = readonly [
  name: string,
  version: number | undefined,
  says: RegExp,
  tamper: (served: ServedLog) => void,
];

describe('what is changed in an answer is found, and the version named', () => {
  const cases: readonly Tampering[] = [
    ['a field of a leaf', 3, /entry_b3 is not the hash of the leaf/, inLine(3, '"kind":"policy"', '"kind":"set"')],
    ['a byte of a payload', 2, /payload_b3 is not the hash/, inLine(2, 'n1.example', 'n2.example')],
    ['the order of members', 4, /canonical form/, inLine(4, /"note":"",("[^"]+":\[?[^,]*),/, '$1,"note":"",')],
    ['a space', 6, /canonical form/, inLine(6, '"leaf":{', '"leaf": {')],
    ['a member named twice', 6, /canonical form/, inLine(6, '"kind":"set"', '"kind":"set","kind":"set"')],
    ['a missing line', 4, /one is missing/, ({ log }) => log.entries.splice(3, 1)],
    ['two lines swapped', 2, /one is missing/, ({ log }) => log.entries.splice(1, 2, log.entries[2]!, log.entries[1]!)],
    [
      'the last lines held back',
      8,
      /is missing: the log should reach 9/,
      (served) => {
        const lines = served.log.entries.slice(0, 7).map(({ line }) => `${line}\n`);
        served.replaced.set('/registry/log?after=0&limit=9', { body: lines.join('') });
        served.replaced.set('/registry/log?after=7&limit=2', { body: '' });
      },
    ],
    ['a byte of a tile', 4, /tile\/0\/000.p\/9 is not what/, flipTile('tile/0/000.p/9', 32 * 3 + 7)],
    [
      'a tile that is gone',
      1,
      /not served \(404\)/,
      ({ replaced }) => {
        replaced.set('/registry/tlog/tile/0/000.p/9', { status: 404, body: '' });
      },
    ],
    ['a byte of an entry bundle', 1, /the entry is not the leaf/, flipTile('tile/entries/000.p/9', 40)],
    [
      'an entry bundle cut short',
      9,
      /ends in this entry/,
      (served) => {
        const path = 'tile/entries/000.p/9';
        served.replaced.set(`/registry/tlog/${path}`, { body: served.log.tile(path)!.slice(0, -1) });
      },
    ],
    [
      'the root of the checkpoint, signed anew',
      9,
      /another root/,
      asCheckpoint((log) => log.checkpoint(9, { root: log.tree.root(8) })),
    ],
    [
      'a checkpoint that goes further than the log',
      10,
      /the head is version 9/,
      asCheckpoint((log) => log.checkpoint(9, { size: 10 })),
    ],
    [
      'the signature of the checkpoint',
      undefined,
      /does not verify/,
      asCheckpoint((log) =>
        log.checkpoint(9, {}).replace(/AAA|(?<=\/test [A-Za-z0-9+/]{30})./, (c) => (c === 'B' ? 'C' : 'B')),
      ),
    ],
    [
      'a checkpoint of another key',
      undefined,
      /not signed with the key/,
      asCheckpoint((log) => log.checkpoint(9, {}, noteSigner(LOG, 'ed25519'))),
    ],
    [
      'a checkpoint of another log',
      undefined,
      /is of other.example/,
      asCheckpoint((log) => log.checkpoint(9, { origin: 'other.example' })),
    ],
    [
      'the head',
      9,
      /another entry_b3/,
      ({ log, replaced }) => {
        const head = { ...log.headShown, entry_b3: log.entries[7]!.entryB3 };
        replaced.set('/registry/head', {
          body: JSON.stringify(head),
          headers: { etag: `"v9-${head.entry_b3.slice(3, 11)}"` },
        });
      },
    ],
    [
      'the ETag of the head',
      undefined,
      /the ETag of the head is "v8-00000000"/,
      ({ log, replaced }) => {
        replaced.set('/registry/head', { body: JSON.stringify(log.headShown), headers: { etag: '"v8-00000000"' } });
      },
    ],
    [
      'a version served on its own',
      9,
      /another than in the log/,
      ({ log, replaced }) => {
        replaced.set('/registry/9', { body: log.entries[7]!.line });
      },
    ],
    [
      'a proof of inclusion',
      9,
      /does not lead to the root/,
      ({ log, replaced }) => {
        replaced.set('/registry/9/proof', {
          body: log.proof(9).replace(/index 8\n./, (c) => c.replace(/.$/, (d) => (d === 'A' ? 'B' : 'A'))),
        });
      },
    ],
    [
      'a proof of consistency',
      4,
      /size 4 continues size 2 does not verify|size 4 continues size 3 does not verify/,
      ({ log, replaced }) => {
        for (const from of [2, 3])
          replaced.set(`/registry/consistency?from=${from}&to=4`, {
            body: JSON.stringify({ ...log.consistency(1, 4), from }),
          });
      },
    ],
    [
      'the signers the node states',
      5,
      /not those the log leads to/,
      ({ log, replaced }) => {
        replaced.set('/registry/signers', { body: JSON.stringify({ ...log.signers, m: 1 }) });
      },
    ],
  ];
  test.each(cases)('%s', async (_name, version, says, tamper) => {
    await using served = await ServedLog.open(built());
    tamper(served);
    const failure = await failureOf(verified(served));
    expect(failure.message).toMatch(says);
    expect(failure.version).toBe(version);
  });
});

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
      'a weaker signer set than was approved',
      ROTATED_AT,
      /payload_b3 is not the hash/,
      { 5: { leaf: (leaf) => (leaf['payload_b3'] = `b3:${'1'.repeat(64)}`) } },
    ],
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

describe('trust', () => {
  test('without a genesis file begins with the set the node states, when that is the first or its own genesis', async () => {
    const log = new BuiltLog(genesisOf(2)).add(ITEMS, AB);
    await using served = await ServedLog.open(log);
    const source = sourceOf(served.url);
    const given = { witnesses: [] };
    const ask = (): Promise<Report> => verifyRegistry({ source, given, onProgress: () => undefined });
    expect(await ask()).toMatchObject({ signers_from: 'node', vkey_from: 'node', approvals: 2 });
    log.add(ROTATION, ['org:a#1', 'org:b#1', 'org:d#1']);
    expect(await ask()).toMatchObject({ signers_from: 'node', rotations: 1 });
    served.replaced.set('/registry/signers', { body: JSON.stringify({ ...log.signers, genesis: null }) });
    await expect(ask()).rejects.toThrow(/--genesis FILE/);
  });

  test('in a genesis file is refused when it is of another log or does not hold its keys; in one of other signers the log fails', async () => {
    await using served = await ServedLog.open(built());
    const genesis = served.log.genesis;
    const other = (change: object): string => JSON.stringify({ ...genesis, ...change });
    await expect(verified(served, { genesis: other({ log: 'x.example' }) })).rejects.toThrow(AnchorRefused);
    await expect(verified(served, { genesis: other({ m: 9 }) })).rejects.toThrow(AnchorRefused);
    await expect(verified(served, { genesis: 'no JSON' })).rejects.toThrow(AnchorRefused);
    const failure = await failureOf(verified(served, { genesis: other({ signers: membersOf(AB), k_pq: 0 }) }));
    expect(failure).toMatchObject({ version: 1, check: 'approvals' });
  });

  test('in a verifier key is refused when it is mistyped, and fails the log when it is another', async () => {
    await using served = await ServedLog.open(built());
    const vkey = formatVkey(served.log.logKey.key);
    await expect(verified(served, { vkey: vkey.replace('test', 'tent') })).rejects.toThrow(AnchorRefused);
    await expect(verified(served, { vkey: 'nonsense' })).rejects.toThrow(AnchorRefused);
    const other = formatVkey(noteSigner(LOG, 'ed25519').key);
    expect((await failureOf(verified(served, { vkey: other }))).message).toMatch(/not signed with the key/);
  });

  test('in witnesses asks for their cosignatures', async () => {
    await using served = await ServedLog.open(built());
    const absent = formatVkey(noteSigner('witness.example', 'cosignature-ed25519').key);
    expect((await failureOf(verified(served, { witnesses: [absent] }))).message).toMatch(
      /not cosigned by witness.example/,
    );
    const present = formatVkey(served.log.cosigner.key);
    expect((await verified(served, { witnesses: [present] })).cosigned).toHaveLength(2);
  });
});

describe('a node', () => {
  test('that goes on while it is verified is verified up to where it was', async () => {
    await using served = await ServedLog.open(built());
    const early = served.log.checkpoint();
    served.replaced.set('/registry/tlog/checkpoint', { body: early });
    const grown = new Promise<void>((done) => {
      const answer = served.answer.bind(served);
      served.answer = (path) => {
        if (path === '/registry/9') {
          served.log.add(ITEMS, AD);
          served.replaced.delete('/registry/tlog/checkpoint');
          done();
        }
        return answer(path);
      };
    });
    expect(await verified(served)).toMatchObject({ versions: 9, checkpoint_size: 9 });
    await grown;
  });

  test('whose checkpoint goes back while it is verified is told', async () => {
    await using served = await ServedLog.open(built());
    const answer = served.answer.bind(served);
    served.answer = (path) => {
      if (path === '/registry/9') served.replaced.set('/registry/tlog/checkpoint', { body: served.log.checkpoint(7) });
      return answer(path);
    };
    expect((await failureOf(verified(served))).message).toMatch(/went back from 9 to 7/);
  });

  test('that has dropped a partial tile is asked for the full one', async () => {
    const log = new BuiltLog(genesisOf(1));
    for (let i = 0; i < 255; i += 1) log.add(ITEMS, ['org:a#1']);
    await using served = await ServedLog.open(log);
    served.replaced.set('/registry/tlog/checkpoint', { body: log.checkpoint() });
    log.add(ITEMS, ['org:a#1']);
    for (const kind of ['0', 'entries']) {
      served.replaced.set(`/registry/tlog/tile/${kind}/000.p/255`, { status: 404, body: '' });
    }
    expect(await verified(served)).toMatchObject({ versions: 256, checkpoint_size: 255, tiles: 2 });
  });

  test('that is not there, or answers something else, is no verdict on the log', async () => {
    const gone = await ServedLog.open(built());
    const { url } = gone;
    await gone[Symbol.asyncDispose]();
    await expect(
      verifyRegistry({ source: sourceOf(url), given: { witnesses: [] }, onProgress: () => undefined }),
    ).rejects.toThrow(SourceFailed);
    await using served = await ServedLog.open(built());
    served.replaced.set('/registry/signers', { status: 500, body: '' });
    await expect(verified(served)).rejects.toThrow(SourceFailed);
  });
});
