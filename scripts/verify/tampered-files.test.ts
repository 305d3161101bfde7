import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type RegistryApproval, RegistryPayload } from '@macronode/contracts';
import { approve, canonicalPayload } from '@macronode/log';
import { registryService } from '@macronode/registry';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BootedRegistry } from '../../apps/registry/src/booted-registry-fixture.ts';
import { LOG, TestSigner } from '../../apps/registry/src/log-fixture.ts';
import { EXIT } from '../../apps/ronctl/src/exit-codes.ts';
import { run } from '../../apps/ronctl/src/program.ts';
import { HttpSource } from '../../apps/ronctl/src/verifier/http-source.ts';
import { type Check, VerificationFailed } from '../../apps/ronctl/src/verifier/verification-failed.ts';
import { type Report, verifyRegistry } from '../../apps/ronctl/src/verifier/verify-registry.ts';
import { LogFiles, type Stored } from './log-files-fixture.ts';

const signer = (name: string): TestSigner => new TestSigner(`org:${name}#1`);
const [a, b, c, d] = [signer('a'), signer('b'), signer('c'), signer('d')];
const FIRST = { members: [a, b, c], m: 2 };
const NEWEST = 9;

/** Nine versions by two of a, b, c; from the fifth on by two of a, b, d. */
async function commitAll({ driver }: BootedRegistry): Promise<void> {
  const commit = async (by: readonly TestSigner[], content?: object): Promise<void> => {
    const { schema_version, log, version, prev_hash, signer_set_version, expires_at } = await driver.next();
    const bound = { schema_version, log, version, prev_hash, signer_set_version, expires_at };
    const set = { kind: 'set', items: [{ id: `node-${version}`, kind: 'node' }] };
    const payload = RegistryPayload.parse({ ...bound, ...(content ?? set) });
    const { hash } = canonicalPayload(payload);
    const [first = a] = by;
    await driver.propose(payload, first);
    for (const each of by) await driver.approve(hash, each);
    expect((await driver.commit(hash, first)).status, `version ${version}`).toBe(201);
  };
  await commit([a, b]);
  await commit([a, c]);
  await commit([a, b, c]);
  const { entry_b3 } = await driver.head();
  await commit([b, c], { kind: 'supersede', supersede_of: entry_b3, reason: 'data_error', note: '', items: [] });
  const signers = [a, b, d].map((each) => each.member());
  await commit([a, b], { kind: 'signers', m: 2, k_pq: 0, signers });
  await commit([a, d]);
  await commit([b, d]);
  await commit([a, d]);
  await commit([a, b, d]);
}

type Env = Readonly<Record<string, string>>;
type Tamper = (files: LogFiles) => void;

let home: string;
let whole: string;
let keys: { readonly vkey: string; readonly cosigner_vkey: string };

// The least there is: nobody else asks, so a stop waits for nobody.
const start = (folder: string, env: Env = {}): Promise<BootedRegistry> =>
  BootedRegistry.boot(registryService, { ...FIRST, folder, env: { DRAIN_TIMEOUT_MS: '100', ...env } });

/** A registry on a copy of the files that somebody had in hands. */
async function startOn(change: Tamper, env?: Env): Promise<BootedRegistry> {
  const folder = mkdtempSync(join(home, 'copy-'));
  cpSync(whole, folder, { recursive: true });
  {
    using files = new LogFiles(join(folder, 'data', 'registry'));
    change(files);
  }
  return start(folder, env);
}
const unchanged: Tamper = () => undefined;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'tampered-'));
  whole = mkdtempSync(join(home, 'whole-'));
  await using booted = await start(whole, { REGISTRY_PROPOSE_RPS: '1000', REGISTRY_APPROVE_RPS: '1000' });
  await commitAll(booted);
  keys = await booted.signers();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** With the genesis for an anchor, and no other unless it is given. */
function verify(
  { url }: BootedRegistry,
  given: { readonly vkey?: string; readonly witnesses?: readonly string[] } = {},
): Promise<Report> {
  const source = new HttpSource({ url, timeoutMs: 20_000, signal: new AbortController().signal });
  const genesis = readFileSync(join(whole, 'genesis.json'), 'utf8');
  return verifyRegistry({ source, given: { genesis, witnesses: [], ...given }, onProgress: () => undefined });
}

async function failureOf(work: Promise<unknown>): Promise<VerificationFailed> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof VerificationFailed)) throw new Error('it should have failed', { cause: error });
  return error;
}

it('verifies the files nobody changed', async () => {
  await using booted = await startOn(unchanged);
  const { vkey, cosigner_vkey } = keys;
  expect(await verify(booted, { vkey, witnesses: [cosigner_vkey] })).toMatchObject({
    ...{ log: LOG, versions: NEWEST, approvals: 20, rotations: 1, checkpoint_size: NEWEST },
  });
});

const PAYLOAD_OF = 'payload_b3 = (SELECT payload_b3 FROM entries WHERE version = ?)';
const NO_HASH = `b3:${'0'.repeat(64)}`;
const weaker = `replace(body, '"m":2', '"m":1')`;

/** A leaf with its approvals changed, as it stands in the file. */
const approvals =
  (change: (approvals: readonly RegistryApproval[]) => readonly (RegistryApproval | undefined)[]) =>
  (leaf: Stored): Stored => ({ ...leaf, approvals: change(leaf['approvals'] as readonly RegistryApproval[]) });
const without = (id: string) => approvals((all) => all.filter(({ signer_id }) => signer_id !== id));
const committedAt =
  (committed_at: string) =>
  (leaf: Stored): Stored => ({ ...leaf, committed_at });
const unsigned = approvals(([first, ...others]) => [
  first && { ...first, sig: Buffer.alloc(64).toString('base64') },
  ...others,
]);

/** Changes a byte without asking the database. */
function overwrite(files: LogFiles, from: string, to: string): void {
  const bytes = readFileSync(files.database);
  expect(to).toHaveLength(from.length);
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) bytes.write(to, at);
  writeFileSync(files.database, bytes);
}

const renumber = (files: LogFiles, ...steps: readonly (readonly [from: number, to: number])[]): void => {
  for (const [from, to] of steps) files.sql('UPDATE entries SET version = ? WHERE version = ?', to, from);
};

const remove = (files: LogFiles, version: number): void => files.sql('DELETE FROM entries WHERE version = ?', version);

const append = (files: LogFiles, approvalsOf: (payloadHash: string) => readonly RegistryApproval[]): void =>
  files.append(
    {
      ...{ schema_version: '1.0.0', log: LOG, version: NEWEST + 1, prev_hash: files.hashOf(NEWEST) },
      ...{ signer_set_version: 5, expires_at: '2099-01-01T00:00:00Z', kind: 'set', items: [] },
    },
    approvalsOf,
  );

type Row = readonly [what: string, check: Check, version: number, says: RegExp, change: Tamper];

describe('names the version when somebody changed', () => {
  it.concurrent.each<Row>([
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
  ])('%s', async (_what, check, version, says, change) => {
    await using booted = await startOn(change);
    const failure = await failureOf(verify(booted));
    expect(failure).toMatchObject({ check, version });
    expect(failure.message).toMatch(says);
  });
});

describe('names no version, for it is about all of them, when somebody changed', () => {
  it.concurrent.each([
    ['the key of the log', 'log.key', /^the checkpoint of 9 entries is not signed with the key of/],
    ['the key it cosigns with', 'cosigner.key', /^the checkpoint is not cosigned by/],
  ])('%s', async (_what, file, says) => {
    // A start makes one where there is none.
    await using booted = await startOn((files) => rmSync(join(files.folder, file)));
    const failure = await failureOf(verify(booted, { vkey: keys.vkey, witnesses: [keys.cosigner_vkey] }));
    expect(failure).toMatchObject({ check: 'checkpoint', version: undefined });
    expect(failure.message).toMatch(says);
  });
});

describe('is not even asked, for the registry refuses to start, when somebody', () => {
  it.concurrent.each<[string, RegExp, Tamper]>([
    ['cut off the newest entry', /has 8 entries, and 9 were signed before/, (files) => remove(files, NEWEST)],
    ['removed an entry', /has 8 entries, and 9 were signed before/, (files) => remove(files, 4)],
    ['removed the lock', /the lock of this log is missing/, (files) => rmSync(files.lock)],
    ['wrote what is no head into the lock', /its last line is no head/, (files) => writeFileSync(files.lock, '9\n')],
    [
      'wrote another head into the lock',
      /another log was signed at size 9/,
      (files) => writeFileSync(files.lock, `9 ${'0'.repeat(64)}\n`),
    ],
    [
      'changed a hash of the tree',
      /another log was signed at size 9/,
      (files) => files.sql('UPDATE entries SET leaf_hash = zeroblob(32) WHERE version = 4'),
    ],
    [
      'changed the root that was signed',
      /no longer give the root that was signed for size 9/,
      (files) => files.sql('UPDATE signed_heads SET root = zeroblob(32) WHERE size = 9'),
    ],
    [
      'weakened the genesis',
      /began with another genesis/,
      (files) => files.sql(`UPDATE facts SET value = replace(value, '"m":2', '"m":1') WHERE key = 'genesis'`),
    ],
    [
      'damaged the key of the log',
      /log\.key: it is not complete/,
      ({ folder: at }) => writeFileSync(join(at, 'log.key'), ''),
    ],
  ])('%s', async (_what, says, change) => {
    await expect(startOn(change)).rejects.toThrow(says);
  });
});

// These files are those of a log there might have been, and every signature in them is right.
describe('takes a witness to find that somebody wrote all of it anew', () => {
  let witness: BootedRegistry;
  let witnessKey: string;
  const witnessed = (change: Tamper): Promise<BootedRegistry> =>
    startOn(change, {
      REGISTRY_WITNESSES: `${witnessKey}=${witness.url}/registry/witness`,
      // An idle log asks when it signs its checkpoint again.
      REGISTRY_CHECKPOINT_INTERVAL_S: '1',
    });
  const answered = async ({ node }: BootedRegistry, result: string): Promise<void> => {
    const counted = new RegExp(`^witness_cosign_total{.*result="(?:${result})".*} [1-9]`, 'm');
    await vi.waitFor(async () => expect(await (await fetch(`${node.opsUrl}/metrics`)).text()).toMatch(counted), {
      timeout: 10_000,
      interval: 50,
    });
  };

  beforeAll(async () => {
    witness = await start(mkdtempSync(join(home, 'witness-')), { REGISTRY_WITNESSED: keys.vkey });
    ({ cosigner_vkey: witnessKey } = await witness.signers());
    await using booted = await witnessed(unchanged);
    await answered(booted, 'cosigned');
    expect(await verify(booted, { witnesses: [witnessKey] })).toMatchObject({ versions: NEWEST });
  });
  afterAll(() => witness.node.close());

  it.concurrent.each<[string, number, Tamper]>([
    ['without the newest entry', NEWEST - 1, (files) => remove(files, NEWEST)],
    [
      'with another time of the newest entry',
      NEWEST,
      (files) => files.entry(NEWEST, committedAt('2020-01-01T00:00:00.000Z')),
    ],
    ['without an approval of the newest entry', NEWEST, (files) => files.entry(NEWEST, without(b.id))],
  ])('%s', async (_what, versions, change) => {
    await using booted = await witnessed((files) => {
      change(files);
      files.agree();
    });
    await answered(booted, 'conflict|refused');
    expect(await verify(booted, { vkey: keys.vkey })).toMatchObject({ versions });
    const failure = await failureOf(verify(booted, { witnesses: [witnessKey] }));
    expect(failure.message).toBe(`the checkpoint is not cosigned by ${LOG}/cosigner`);
  });
});

describe('ronctl registry verify', () => {
  const ronctl = async (...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const read = Promise.all([text(stdout), text(stderr)]);
    const streams = { stdin: Readable.from([]), stdout, stderr, stdoutIsTty: false, stderrIsTty: false };
    const exitCode = await run(argv, { ...streams, env: {}, signal: new AbortController().signal });
    stdout.end();
    stderr.end();
    const [out, err] = await read;
    return { exitCode, out, err };
  };
  const verified = ({ url }: BootedRegistry, ...more: string[]) =>
    ronctl('registry', 'verify', url, '--genesis', join(whole, 'genesis.json'), '--vkey', keys.vkey, ...more);

  it('says verified of the files nobody changed', async () => {
    await using booted = await startOn(unchanged);
    expect(await verified(booted)).toMatchObject({
      exitCode: EXIT.ok,
      out: expect.stringMatching(/^verified\n/) as string,
    });
  });

  it('exits with 5 and says which version is wrong, and what is wrong with it', async () => {
    await using booted = await startOn((files) => overwrite(files, '"node-3"', '"node-x"'));
    const said = await verified(booted);
    expect(said).toMatchObject({ exitCode: EXIT.integrity, out: '' });
    expect(said.err).toContain('ronctl: version 3: payload_b3 is not the hash of the payload\n');
    const { exitCode, err } = await verified(booted, '--json');
    expect(exitCode).toBe(EXIT.integrity);
    expect(JSON.parse(err)).toMatchObject({ error: { check: 'payload', version: 3 } });
  });
});
