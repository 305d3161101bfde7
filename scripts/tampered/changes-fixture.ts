import { readFileSync, writeFileSync } from 'node:fs';
import type { RegistryApproval } from '@macronode/contracts';
import { approve } from '@macronode/log';
import { LOG } from '../../apps/registry/src/log-fixture.ts';
import type { Check } from '../../apps/ronctl/src/verifier/verification-failed.ts';
import type { LogFiles, Stored } from './log-files-fixture.ts';
import { a, b, c, d, NEWEST, type Tamper } from './nine-versions-fixture.ts';

const PAYLOAD_OF = 'payload_b3 = (SELECT payload_b3 FROM entries WHERE version = ?)';
const NO_HASH = `b3:${'0'.repeat(64)}`;
const weaker = `replace(body, '"m":2', '"m":1')`;

/** A leaf with its approvals changed, as it stands in the file. */
const approvals =
  (change: (approvals: readonly RegistryApproval[]) => readonly (RegistryApproval | undefined)[]) =>
  (leaf: Stored): Stored => ({ ...leaf, approvals: change(leaf['approvals'] as readonly RegistryApproval[]) });
export const without = (id: string) => approvals((all) => all.filter(({ signer_id }) => signer_id !== id));
export const committedAt =
  (committed_at: string) =>
  (leaf: Stored): Stored => ({ ...leaf, committed_at });
const unsigned = approvals(([first, ...others]) => [
  first && { ...first, sig: Buffer.alloc(64).toString('base64') },
  ...others,
]);

/** Changes a byte without asking the database. */
export function overwrite(files: LogFiles, from: string, to: string): void {
  const bytes = readFileSync(files.database);
  if (to.length !== from.length) throw new Error(`${to} is not as long as ${from}`);
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) bytes.write(to, at);
  writeFileSync(files.database, bytes);
}

const renumber = (files: LogFiles, ...steps: readonly (readonly [from: number, to: number])[]): void => {
  for (const [from, to] of steps) files.sql('UPDATE entries SET version = ? WHERE version = ?', to, from);
};

export const remove = (files: LogFiles, version: number): void =>
  files.sql('DELETE FROM entries WHERE version = ?', version);

const append = (files: LogFiles, approvalsOf: (payloadHash: string) => readonly RegistryApproval[]): void =>
  files.append(
    {
      ...{ schema_version: '1.0.0', log: LOG, version: NEWEST + 1, prev_hash: files.hashOf(NEWEST) },
      ...{ signer_set_version: 5, expires_at: '2099-01-01T00:00:00Z', kind: 'set', items: [] },
    },
    approvalsOf,
  );

type Row = readonly [what: string, check: Check, version: number, says: RegExp, change: Tamper];

/** Changes of the files of nine versions, each with what finds it: the check, the version it names, and what it says. */
export const CHANGES: readonly Row[] = [
  [
    'a byte of a payload in the file',
    'payload',
    3,
    /payload_b3 is not the hash/,
    (files) => overwrite(files, '"node-3"', '"node-x"'),
  ],
  [
    'a payload, the hash of it and all that follows from both',
    'approvals',
    3,
    /approval of org:a#1 does not verify/,
    (files) => {
      files.payload(3, (payload) => ({ ...payload, items: [] }));
      files.agree();
    },
  ],
  [
    'a payload, which is gone',
    'chain',
    3,
    /one is missing/,
    (files) => files.sql(`DELETE FROM payloads WHERE ${PAYLOAD_OF}`, 3),
  ],
  [
    'the payload of the newest entry, which is gone',
    'chain',
    NEWEST,
    /should reach 9/,
    (files) => files.sql(`DELETE FROM payloads WHERE ${PAYLOAD_OF}`, NEWEST),
  ],
  [
    'a leaf, which is no JSON any more',
    'shape',
    3,
    /not JSON/,
    (files) => files.sql(`UPDATE entries SET leaf = substr(leaf, 2) WHERE version = 3`),
  ],
  [
    'the spelling of a leaf',
    'canonical',
    4,
    /canonical form/,
    (files) => files.spell(4, (leaf) => leaf.replace(':', ': ')),
  ],
  ['the signature of an approval', 'chain', 6, /entry_b3 is not the hash/, (files) => files.leaf(6, unsigned)],
  [
    'the signature of an approval, and the hash it is in',
    'approvals',
    6,
    /approval of org:a#1 does not verify/,
    (files) => files.entry(6, unsigned),
  ],
  [
    'the approvals, of which one is gone',
    'approvals',
    6,
    /1 of the signers in force approve, 2 are needed/,
    (files) => {
      files.entry(6, without(d.id));
      files.agree();
    },
  ],
  [
    'the approvals, of which one is gone that was not needed',
    'chain',
    4,
    /prev_hash/,
    (files) => {
      files.entry(3, without(c.id));
      files.agree();
    },
  ],
  [
    'who gave an approval',
    'approvals',
    6,
    /approval of org:b#1 does not verify/,
    (files) =>
      files.entry(
        6,
        approvals(([first, second]) => [first, second && { ...second, signer_id: b.id }]),
      ),
  ],
  [
    'when an entry was committed',
    'chain',
    4,
    /entry_b3 is not the hash/,
    (files) => files.leaf(4, committedAt('2020-01-01T00:00:00.000Z')),
  ],
  [
    'when an entry was committed, and all that follows from it',
    'chain',
    5,
    /prev_hash/,
    (files) => {
      files.entry(4, committedAt('2020-01-01T00:00:00.000Z'));
      files.agree();
    },
  ],
  [
    'when an entry was committed, to after its end',
    'expiry',
    4,
    /after it expired/,
    (files) => files.entry(4, committedAt('2099-01-01T00:00:00.000Z')),
  ],
  [
    'when the newest entry was committed, and its hash',
    'tiles',
    NEWEST,
    /is not what the log gives/,
    (files) => files.entry(NEWEST, committedAt('2020-01-01T00:00:00.000Z')),
  ],
  [
    'what an entry continues',
    'chain',
    4,
    /prev_hash/,
    (files) => {
      files.entry(4, (leaf) => ({ ...leaf, prev_hash: NO_HASH }));
      files.agree();
    },
  ],
  [
    'the entries, of which the first is gone',
    'chain',
    1,
    /one is missing/,
    (files) => {
      remove(files, 1);
      files.agree();
    },
  ],
  [
    'the entries, of which one in the middle is gone',
    'chain',
    4,
    /one is missing/,
    (files) => {
      remove(files, 4);
      files.agree();
    },
  ],
  [
    'the entries, of which one is gone and the others have closed up',
    'chain',
    4,
    /one is missing/,
    (files) => {
      remove(files, 4);
      renumber(files, [5, 4], [6, 5], [7, 6], [8, 7], [9, 8]);
      files.agree();
    },
  ],
  [
    'the order of two entries',
    'chain',
    6,
    /the order is another/,
    (files) => {
      renumber(files, [6, 0], [7, 6], [0, 7]);
      files.agree();
    },
  ],
  [
    'the hash of the newest entry, which is the head',
    'chain',
    NEWEST,
    /entry_b3 is not the hash/,
    (files) => files.sql('UPDATE entries SET entry_b3 = ? WHERE version = ?', NO_HASH, NEWEST),
  ],
  [
    'the number of the newest entry, which is the head',
    'chain',
    NEWEST + 1,
    /this is version 9/,
    (files) => renumber(files, [NEWEST, NEWEST + 1]),
  ],
  [
    'a hash of the tree, and what was signed of it',
    'tiles',
    4,
    /is not what the log gives/,
    (files) => {
      files.sql('UPDATE entries SET leaf_hash = zeroblob(32) WHERE version = 4');
      files.forgetSigned();
    },
  ],
  [
    'the entries, to which others have put one in the name of signers',
    'approvals',
    NEWEST + 1,
    /approval of org:a#1 does not verify/,
    (files) => append(files, (hash) => [a, b].map(({ id }) => approve(c.key, id, hash, new Date()))),
  ],
  [
    'the entries, to which one was put with the approvals of another',
    'approvals',
    NEWEST + 1,
    /approval of org:a#1 does not verify/,
    (files) => append(files, () => files.leafOf(NEWEST)['approvals'] as RegistryApproval[]),
  ],
  [
    'the entries, to which one was put by a signer of before',
    'approvals',
    NEWEST + 1,
    /org:c#1 approves and is not in the signer set/,
    (files) => append(files, (hash) => [a, c].map(({ id, key }) => approve(key, id, hash, new Date()))),
  ],
  [
    'the quorum of the signers in force',
    'signers',
    5,
    /not those the log leads to/,
    (files) => files.sql(`UPDATE signer_sets SET body = ${weaker} WHERE version = 5`),
  ],
  [
    'the signers in force, to those of before',
    'signers',
    5,
    /in force before it/,
    (files) => files.sql('DELETE FROM signer_sets WHERE version = 5'),
  ],
  [
    'the signers in force, to some that no entry brought',
    'signers',
    7,
    /not those the log leads to/,
    (files) => files.sql(`INSERT INTO signer_sets SELECT 7, ${weaker} FROM signer_sets WHERE version = 5`),
  ],
  [
    'the quorum a rotation brings, wherever it stands',
    'approvals',
    5,
    /approval of org:a#1 does not verify/,
    (files) => {
      files.payload(5, (payload) => ({ ...payload, m: 1 }));
      files.sql(`UPDATE signer_sets SET body = ${weaker} WHERE version = 5`);
      files.agree();
    },
  ],
];
