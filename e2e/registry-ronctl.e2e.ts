import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RegistryAuditRecord, RegistryEntry, RegistryProposal, RegistrySigners } from '@macronode/contracts';
import { client } from './client.ts';
import { unique } from './content.ts';
import { poll } from './poll.ts';
import { Governance } from './registry-signers.ts';
import { type Ran, ronctl } from './ronctl.ts';

const governance = new Governance();
let folder: string;
const at = (file: string): string => join(folder, file);
const keyFile = (id: string): string => at(`${encodeURIComponent(id)}.key`);
const as = (id: string): string[] => ['--key', keyFile(id), '--signer', id];
const registry = (...args: string[]): Promise<Ran> => ronctl(['registry', ...args]);

/** What it prints when all is well. */
async function printed(...args: string[]): Promise<string> {
  const { code, out, err } = await registry(...args);
  expect(code, err).toBe(0);
  return out;
}

const lines = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'e2e-registry-ronctl-'));
  for (const { id, pem } of governance.signers) await writeFile(keyFile(id), pem, { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A version from its descriptors to its number, each signer at a command line of their own. */
async function committed(items: unknown): Promise<{ id: string; version: number; signers: readonly string[] }> {
  const signers = governance.quorum().map((signer) => signer.id);
  const [speaker = ''] = signers;
  await writeFile(at('items.json'), JSON.stringify(items));
  const id = (await printed('propose', ...as(speaker), '--items', at('items.json'), '--ttl', '10m')).trim();
  expect(id).toMatch(/^b3:[0-9a-f]{64}$/);
  const early = await registry('commit', id, ...as(speaker));
  expect([early.code, early.out]).toEqual([1, '']);
  expect(early.err).toContain('quorum_failed');
  for (const [before, signer] of signers.entries()) {
    const { quorum } = RegistryProposal.parse(JSON.parse(await printed('approve', id, ...as(signer), '--json')));
    expect(quorum).toMatchObject({ approved: before + 1, met: before + 1 === governance.m });
  }
  const version = Number(await printed('commit', id, ...as(speaker)));
  return { id, version, signers };
}

describe('a version by command line', () => {
  test('is proposed, approved by a quorum and committed with key files, and stands in log and audit chain', async () => {
    const items = [{ id: unique('node'), kind: 'node', attrs: { region: 'eu' } }];
    const { version: before } = await governance.head();
    const { id, version, signers } = await committed(items);
    expect(version).toBe(before + 1);

    const [entry, ...more] = lines(await printed('log', '--after', String(before)));
    expect(more).toEqual([]);
    const { leaf, payload } = RegistryEntry.parse(entry);
    expect(payload).toMatchObject({ version, kind: 'set', items });
    expect([leaf.payload_b3, leaf.approvals.map(({ signer_id }) => signer_id)]).toEqual([id, signers.toSorted()]);

    const records = await poll(
      async () => {
        const all = lines(await printed('audit')).map((line) => RegistryAuditRecord.parse(line));
        const ours = all.filter(({ subject, kind }) => subject === id && kind !== 'refuse');
        return ours.some(({ kind }) => kind === 'commit') ? ours : undefined;
      },
      { what: 'the commit in the audit chain' },
    );
    const [speaker] = signers;
    expect(records.map(({ kind, actor }) => [kind, actor])).toEqual([
      ['propose', speaker],
      ...signers.map((signer) => ['approve', signer]),
      ['commit', speaker],
    ]);
    const chain = JSON.parse(await printed('audit', '--verify', '--json')) as { records: number; last_seq: number };
    expect(chain.last_seq).toBeGreaterThanOrEqual(records.at(-1)?.seq ?? Infinity);
  });

  test('is verified from the signers whose keys these are, and not from others', async () => {
    const { version, signers } = await committed([{ id: unique('node'), kind: 'node' }]);
    const { vkey, genesis } = RegistrySigners.parse((await client.get('/registry/signers')).json());
    expect(genesis?.signers.map(({ signer_id, public_key }) => [signer_id, public_key])).toEqual(
      governance.signers.map(({ id, key }) => [id, key.publicKeyHex]),
    );
    // Not made anew: an ML-DSA-44 key proves that it is held with another signature each time.
    await writeFile(at('genesis.json'), JSON.stringify({ log: governance.log, ...genesis }));
    const anchors = ['--genesis', at('genesis.json'), '--vkey', vkey];
    const report = JSON.parse(await printed('verify', ...anchors, '--json')) as unknown;
    expect(report).toMatchObject({
      ...{ log: governance.log, versions: version, checkpoint_size: version },
      ...{ signers_from: 'given', vkey_from: 'given' },
    });

    // One who approved, with the key of a stranger.
    const ours = governance.signers.find(({ id }) => id === signers[0])!;
    await printed('keygen', '--out', at('stranger.key'), '--algo', ours.key.algorithm);
    const quorum = ['--log', governance.log, '--m', String(governance.m), '--k-pq', String(governance.kPq)];
    const members = governance.signers.flatMap((signer) => [
      '--signer',
      `${signer.id}=${signer === ours ? at('stranger.key') : keyFile(signer.id)}`,
    ]);
    await printed('keygen', '--genesis', at('others.json'), ...quorum, ...members);
    const refused = await registry('verify', '--genesis', at('others.json'));
    expect(refused).toMatchObject({ code: 5, out: '' });
    expect(refused.err).toContain(`the approval of ${ours.id} does not verify with its key`);
  });
});
