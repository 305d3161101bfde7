import type { Command } from 'commander';
import type { RegistryHead, RegistryProposal, RegistryProposalShown, RegistrySigners } from '@macronode/contracts';
import { RegistryPayload } from '@macronode/contracts';
import { note, paint, print, table, type Terminal } from '../terminal.ts';
import { nextStep, payloadRows, quorumText } from './payload-rows.ts';
import { opened, proposalId } from './registry-arguments.ts';

/** `head`, `signers`, `proposals`: where the log stands. */
export function addReadCommands(registry: Command, terminal: Terminal): void {
  const dimmed = (rows: readonly string[][]): string[] =>
    table(rows, (cell, column) => (column === 0 ? paint(terminal, 'dim', cell) : cell));
  registry
    .command('head')
    .description('the newest version')
    .action(async (_options: unknown, self: Command) => {
      const { registry: client, json } = opened(self, terminal);
      const head = await client.head();
      print(terminal, json, head, () => dimmed(headRows(head)));
    });
  registry
    .command('signers')
    .description('who may approve, the keys the log signs with, and whether it takes writes')
    .action(async (_options: unknown, self: Command) => {
      const { registry: client, json } = opened(self, terminal);
      const signers = await client.signers();
      print(terminal, json, signers, () => [
        ...dimmed(logRows(signers)),
        '',
        ...table(signerRows(signers), (cell) => cell),
      ]);
    });
  registry
    .command('proposals')
    .description('proposals that are open, or one of them with its payload')
    .argument('[id]', 'id of a proposal', proposalId)
    .action(async (id: string | undefined, _options: unknown, self: Command) => {
      const { registry: client, json } = opened(self, terminal);
      if (id === undefined) {
        const proposals = await client.proposals();
        print(terminal, json, { proposals }, () =>
          proposals.length === 0 ? [] : table(proposalRows(proposals), (cell) => cell),
        );
        if (proposals.length === 0 && !json) note(terminal, 'nothing is proposed');
        return;
      }
      const shown = await client.proposal(id);
      print(terminal, json, shown, () => dimmed(shownRows(shown)));
      const next = nextStep(shown);
      if (!json && next !== undefined) note(terminal, next);
    });
}

const headRows = (head: RegistryHead): string[][] => [
  ['version', String(head.version)],
  ['entry', head.entry_b3 ?? '-'],
  ['payload', head.payload_b3 ?? '-'],
  ['committed', head.committed_at ?? '-'],
  ['checkpoint', `${head.checkpoint_size} entries`],
];

const logRows = ({ log, state, version, m, k_pq, signers, vkey, cosigner_vkey }: RegistrySigners): string[][] => [
  ['log', log],
  ['state', state],
  ['quorum', `${m} of ${signers.length}, ${k_pq} of them post-quantum`],
  ['since', version === 0 ? 'the beginning' : `version ${version}`],
  ['key', vkey],
  ['cosigner', cosigner_vkey],
];

/** As much of a public key as tells one from another. */
const KEY_DIGITS = 64;

const signerRows = ({ signers }: RegistrySigners): string[][] => [
  ['SIGNER', 'ALGORITHM', 'PUBLIC KEY'],
  ...signers.map(({ signer_id, algo, public_key }) => [
    signer_id,
    algo,
    public_key.length > KEY_DIGITS ? `${public_key.slice(0, KEY_DIGITS)}…` : public_key,
  ]),
];

const proposalRows = (proposals: readonly RegistryProposal[]): string[][] => [
  ['ID', 'VERSION', 'KIND', 'STATE', 'APPROVED', 'EXPIRES', 'BY'],
  ...proposals.map(({ proposal_id, version, kind, state, quorum, expires_at, proposed_by }) => [
    proposal_id,
    String(version),
    kind,
    state,
    quorumText(quorum),
    expires_at,
    proposed_by,
  ]),
];

function shownRows(shown: RegistryProposalShown): string[][] {
  const payload = RegistryPayload.safeParse(shown.payload);
  return [
    ['id', shown.proposal_id],
    ['state', shown.state],
    ['proposed by', shown.proposed_by],
    ['approved', quorumText(shown.quorum)],
    ...shown.approvals.map(({ signer_id, signed_at }) => ['approval', `${signer_id} ${signed_at}`]),
    ...(payload.success ? payloadRows(payload.data) : [['payload', JSON.stringify(shown.payload)]]),
  ];
}
