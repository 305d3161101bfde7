import { canonicalJson, hashBytes } from '@macronode/content';
import type { RegistryGenesis, RegistryLeaf, RegistryPayload, Signer } from '@macronode/contracts';
import { approve, canonicalPayload, makeLeaf } from '@macronode/log';
import { genesisOf, LOG, signers, TestSigner } from './log-fixture.ts';
import type { StoredEntry } from './log.store.ts';

/** A log, and what is wrong with the last entry of it; undefined where nothing is. */
export interface JudgedLog {
  readonly what: string;
  readonly fault?: string;
  readonly entries: readonly StoredEntry[];
}

const [a, b, c] = signers(3) as [TestSigner, TestSigner, TestSigner];
const outsider = new TestSigner('org:other#key1');
const quantum = new TestSigner('org:test#pq', 'ml-dsa-44');

/** What these logs began with: two of three. */
export const FIRST: RegistryGenesis = genesisOf([a, b, c], 2);

type Bound = Pick<
  RegistryPayload,
  'schema_version' | 'log' | 'version' | 'prev_hash' | 'signer_set_version' | 'expires_at'
>;

const BOUND: Bound = {
  schema_version: '1.0.0',
  log: LOG,
  version: 1,
  prev_hash: null,
  signer_set_version: 0,
  expires_at: '2030-01-01T00:00:00Z',
};
const after = (entry: StoredEntry): Bound => ({ ...BOUND, version: entry.version + 1, prev_hash: entry.entryHash });
const set = (bound: Partial<Bound> = {}): RegistryPayload => ({
  ...BOUND,
  ...bound,
  kind: 'set',
  items: [{ id: 'node-1', kind: 'node' }],
});
const rotation = (m: number, members: readonly Signer[], kPq = 0): RegistryPayload => ({
  ...BOUND,
  kind: 'signers',
  m,
  k_pq: kPq,
  signers: [...members],
});

/** An entry as an honest writer makes it, unless `change` makes another leaf of it before it is hashed. */
function entry(
  payload: RegistryPayload = set(),
  by: readonly TestSigner[] = [a, b],
  change: (leaf: RegistryLeaf) => unknown = (leaf) => leaf,
): StoredEntry {
  const canonical = canonicalPayload(payload);
  const approvals = by.map((signer) => approve(signer.key, signer.id, canonical.hash, new Date(0)));
  const { leaf } = makeLeaf(payload, canonical, approvals, new Date('2029-12-31T00:00:00Z'));
  return stored(payload.version, canonicalJson(change(leaf)), canonical.text);
}

const stored = (version: number, leaf: string, payload: string): StoredEntry => ({
  version,
  leaf,
  payload,
  entryHash: hashBytes(Buffer.from(leaf)),
});

/** The approvals of a leaf changed, by where they are. */
const approvals =
  (change: (approvals: RegistryLeaf['approvals']) => unknown) =>
  (leaf: RegistryLeaf): unknown => ({ ...leaf, approvals: change(leaf.approvals) });

const first = entry();
const seal = entry({ ...BOUND, kind: 'seal', successor: { log: 'next.example/log', vkey: 'v' } });
const policy = { kind: 'policy', policy: { version: 1, bundle: first.entryHash } } as const;
const supersede = (entryBefore: StoredEntry, supersede_of: string): RegistryPayload => ({
  ...after(entryBefore),
  ...{ kind: 'supersede', supersede_of, reason: 'data_error', note: '', items: [] },
});
/** A key under which one signature verifies for many messages. */
const weak: Signer = {
  signer_id: 'org:test#weak',
  algo: 'ed25519',
  public_key: `01${'00'.repeat(31)}`,
  possession: Buffer.alloc(64).toString('base64'),
};
const renamed = new TestSigner('org:test#renamed', 'ed25519', a.key);

export const GOOD_LOGS: readonly JudgedLog[] = [
  { what: 'two that follow each other', entries: [first, entry(set(after(first)))] },
  { what: 'more approvals than are needed', entries: [entry(set(), [a, b, c])] },
  {
    what: 'a rotation, approved by both sets',
    entries: [entry(rotation(2, [a.member(), quantum.member()], 1), [a, b, quantum])],
  },
  { what: 'a key that takes another name', entries: [entry(rotation(1, [renamed.member()]), [a, b, renamed])] },
  { what: 'a policy', entries: [first, entry({ ...after(first), ...policy })] },
  {
    what: 'the head superseded',
    entries: [first, entry(supersede(first, first.entryHash))],
  },
  { what: 'a seal', entries: [seal] },
];

export const BAD_LOGS: readonly Required<JudgedLog>[] = [
  { what: 'a leaf that is no JSON', fault: 'form', entries: [stored(1, first.leaf.slice(0, -1), first.payload)] },
  {
    what: 'a leaf with a member nobody knows',
    fault: 'form',
    entries: [entry(set(), [a, b], (leaf) => ({ ...leaf, x: 1 }))],
  },
  { what: 'another hash of the leaf', fault: 'entry hash', entries: [{ ...first, entryHash: seal.entryHash }] },
  {
    what: 'another payload',
    fault: 'payload hash',
    entries: [{ ...first, payload: first.payload.replace('node-1', 'node-2') }],
  },
  { what: 'another spelling', fault: 'spelling', entries: [stored(1, first.leaf.replace('":', '": '), first.payload)] },
  {
    what: 'another size of the payload',
    fault: 'payload size',
    entries: [entry(set(), [a, b], (leaf) => ({ ...leaf, payload_size: 7 }))],
  },
  {
    what: 'a leaf no bundle can hold',
    fault: 'too large',
    entries: [entry(set(), [a, b], (leaf) => ({ ...leaf, kind: 'x'.repeat(65_536) }))],
  },
  { what: 'a payload of another log', fault: 'log', entries: [entry(set({ log: 'registry.example/other' }))] },
  { what: 'an entry after a seal', fault: 'sealed', entries: [seal, entry(set(after(seal)))] },
  { what: 'a version left out', fault: 'chain', entries: [entry(set({ version: 2 }))] },
  {
    what: 'another entry before',
    fault: 'chain',
    entries: [first, entry(set({ ...after(first), prev_hash: seal.entryHash }))],
  },
  {
    what: 'a leaf of another kind than its payload',
    fault: 'chain',
    entries: [entry(set(), [a, b], (leaf) => ({ ...leaf, kind: 'seal' }))],
  },
  { what: 'a signer set that is not in force', fault: 'signer set', entries: [entry(set({ signer_set_version: 1 }))] },
  {
    what: 'a commit after it expired',
    fault: 'expired',
    entries: [entry(set({ expires_at: '2029-12-30T00:00:00Z' }))],
  },
  {
    what: 'something else superseded than the head',
    fault: 'supersede',
    entries: [first, entry(supersede(first, seal.entryHash))],
  },
  { what: 'too few approvals', fault: 'quorum', entries: [entry(set(), [a])] },
  {
    what: 'a rotation only the old set approves',
    fault: 'quorum',
    entries: [entry(rotation(2, [b.member(), outsider.member()]))],
  },
  {
    what: 'one approval twice',
    fault: 'approval order',
    entries: [
      entry(
        set(),
        [a, b],
        approvals(([one, two]) => [one, one, two]),
      ),
    ],
  },
  {
    what: 'approvals in another order',
    fault: 'approval order',
    entries: [
      entry(
        set(),
        [a, b],
        approvals((all) => all.toReversed()),
      ),
    ],
  },
  { what: 'an approval of an outsider', fault: 'approval', entries: [entry(set(), [outsider, a, b])] },
  {
    what: 'an approval that does not verify',
    fault: 'approval',
    entries: [
      entry(
        set(),
        [a, b, c],
        approvals(([one, two, three]) => [one, two, { ...three, sig: two?.sig }]),
      ),
    ],
  },
  {
    what: 'an approval with another algorithm than its key has',
    fault: 'approval',
    entries: [
      entry(
        rotation(1, [b.member(), renamed.member()]),
        [a, b, renamed],
        approvals((all) => all.map((one) => (one.signer_id === renamed.id ? { ...one, algo: 'ml-dsa-44' } : one))),
      ),
    ],
  },
  {
    what: 'a rotation to one key under two names',
    fault: 'incoming signers',
    entries: [entry(rotation(2, [a.member(), renamed.member()]), [a, b, renamed])],
  },
  {
    what: 'a rotation to a key nobody has shown to hold',
    fault: 'incoming signers',
    entries: [entry(rotation(1, [a.member(), { ...c.member(), possession: b.member().possession }]))],
  },
  {
    what: 'a rotation to a key shown to be held for another log',
    fault: 'incoming signers',
    entries: [entry(rotation(1, [a.member('x.example/log')]))],
  },
  {
    what: 'a rotation to a key of small order',
    fault: 'incoming signers',
    entries: [entry(rotation(1, [a.member(), weak]))],
  },
  {
    what: 'a rotation to a quorum nobody can reach',
    fault: 'incoming signers',
    entries: [entry(rotation(3, [a.member(), b.member()]))],
  },
];
