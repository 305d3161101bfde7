import { expect, test } from 'vitest';
import type { RegistryProposal } from '@macronode/contracts';
import { EXIT } from '../exit-codes.ts';
import { registryDesk } from './registry-desk-fixture.ts';

const desk = registryDesk();
const { registry, at, proposed } = desk;

test('head, signers and proposals are shown for people and for scripts', async () => {
  const empty = await registry('head');
  expect(empty.out).toMatch(/version +0\nentry +-\n/);
  const signers = await registry('signers');
  expect(signers.out).toMatch(/quorum +2 of 3, 1 of them post-quantum/);
  expect(signers.out).toMatch(/org:c#1 +ml-dsa-44 +[0-9a-f]{64}…/);
  expect((await registry('proposals')).err).toContain('nothing is proposed');
  const id = await proposed('--items', at('items.json'));
  expect((await registry('proposals')).out).toMatch(new RegExp(`${id} +1 +set +open +0 of 2`));
  const one = await registry('proposals', id);
  expect(one.out).toMatch(/proposed by +org:a#1/);
  const list = JSON.parse((await registry('proposals', '--json')).out) as { proposals: RegistryProposal[] };
  expect(list.proposals[0]?.proposal_id).toBe(id);
  expect((await registry('proposals', 'nonsense')).exitCode).toBe(EXIT.usage);
  expect((await registry('proposals', `b3:${'0'.repeat(64)}`)).exitCode).toBe(EXIT.notFound);
});
