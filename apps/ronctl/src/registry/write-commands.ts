import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  LIMITS,
  RegistryCommitted,
  RegistryPayload,
  RegistryProposal,
  type RegistryProposalShown,
  RegistrySigners,
  ROUTES,
} from '@macronode/contracts';
import { approvalSubject, approve, canonicalPayload, reasonSubject } from '@macronode/log';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { pathOf } from '../node-client.ts';
import { note, paint, print, table, type Terminal } from '../terminal.ts';
import {
  type Identity,
  type NamedKey,
  type SigningOptions,
  identityOf,
  loadKey,
  namedKey,
  signing,
} from './key-arguments.ts';
import { type DraftOptions, draftPayload, readContent } from './payload-draft.ts';
import { nextStep, payloadRows, quorumText } from './payload-rows.ts';
import { opened, proposalId } from './registry-arguments.ts';
import type { RegistryClient } from './registry-client.ts';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const DAY_MS = 86_400_000;

const duration = (text: string): number => {
  const [, amount = '', unit = ''] = /^([1-9][0-9]{0,5})([smh])$/.exec(text) ?? [];
  const ms = Number(amount) * (UNIT_MS[unit] ?? 0);
  const max = LIMITS.registry_proposal_max_ms.value;
  if (ms < 1 || ms > max) throw new InvalidArgumentError(`a time such as 30m or 24h, at most ${max / 3_600_000}h`);
  return ms;
};

/** `propose`, `approve`, `commit`, `freeze`, `thaw`: what a signer does. */
export function addWriteCommands(registry: Command, terminal: Terminal): void {
  addPropose(registry, terminal);
  addApprove(registry, terminal);
  addCommit(registry, terminal);
  addOperator(registry, terminal, 'freeze', 'stop the writes; reads go on');
  addOperator(registry, terminal, 'thaw', 'take writes again');
}

function showProposal(terminal: Terminal, json: boolean, proposal: RegistryProposal): void {
  print(terminal, json, proposal, () => [proposal.proposal_id]);
  if (json) return;
  note(
    terminal,
    `version ${proposal.version}, ${proposal.kind}; approved by ${quorumText(proposal.quorum)}; expires ${proposal.expires_at}`,
  );
  const next = nextStep(proposal);
  if (next !== undefined) note(terminal, next);
}

function addPropose(registry: Command, terminal: Terminal): void {
  const command = registry.command('propose').description('propose the next version; prints the id of the proposal');
  signing(command)
    .option('--items <file>', 'JSON list of descriptors: the registry from here on')
    .option('--signers <file>', 'other signers, as `keygen --genesis` writes them')
    .option('--payload <file>', 'any payload: an object with kind and its members')
    .option('--seal <log=vkey>', 'end this log; names the log that goes on')
    .option('--supersede <file>', 'descriptors in place of the newest version; needs --reason')
    .addOption(
      new Option('--reason <reason>', 'why the newest version is superseded').choices([
        'key_compromise',
        'data_error',
        'governance_action',
        'other',
      ]),
    )
    .option('--note <text>', 'said beside the reason')
    .addOption(
      new Option('--ttl <time>', 'how long it can be approved and committed, such as 30m')
        .argParser(duration)
        .default(DAY_MS, '24h'),
    )
    .action(async (options: DraftOptions & SigningOptions, self: Command) => {
      const content = await readContent(options);
      const identity = identityOf(options);
      const { registry: client, json } = opened(self, terminal);
      const [head, signers] = await Promise.all([client.head(), client.signers()]);
      const payload = draftPayload(content, head, signers, new Date(Date.now() + options.ttl));
      const { hash } = canonicalPayload(payload);
      const body = { payload, payload_b3: hash };
      const call = {
        action: 'propose',
        log: signers.log,
        subject: hash,
        path: ROUTES.registryPropose.template,
        body,
      } as const;
      const proposal = await client.write(identity, call, RegistryProposal);
      if (proposal.proposal_id !== hash) {
        throw new Failure(EXIT.integrity, `proposed ${hash}, but the node keeps ${proposal.proposal_id}`);
      }
      showProposal(terminal, json, proposal);
    });
}

/** The payload of a proposal, after its hash was recomputed: what the node shows must be what is signed. */
function verifiedPayload(id: string, shown: RegistryProposalShown): RegistryPayload {
  const { hash } = canonicalPayload(shown.payload);
  if (hash !== id || shown.proposal_id !== id) {
    throw new Failure(EXIT.integrity, `asked for ${id}, but the payload the node shows hashes to ${hash}`, {
      hint: 'do not approve it: ask another node, or whoever proposed it',
    });
  }
  const payload = RegistryPayload.safeParse(shown.payload);
  if (payload.success) return payload.data;
  throw new Failure(EXIT.error, 'the payload is of a kind this version does not understand', {
    hint: 'approve it with the version that proposed it',
  });
}

interface ApproveOptions extends SigningOptions {
  readonly sender?: NamedKey;
}

function addApprove(registry: Command, terminal: Terminal): void {
  const command = registry
    .command('approve')
    .description('approve a proposal, after its payload was fetched, hashed and shown')
    .argument('<proposal>', 'id of the proposal', proposalId);
  signing(command)
    .option('--sender <id=file>', 'signer in force that sends it, when the one that approves comes with it', namedKey)
    .action(async (id: string, options: ApproveOptions, self: Command) => {
      const identity = identityOf(options);
      const { registry: client, json } = opened(self, terminal);
      const shown = await client.proposal(id);
      const payload = verifiedPayload(id, shown);
      for (const line of table(payloadRows(payload), (cell) => cell)) note(terminal, `  ${line}`);
      if (shown.approvals.some(({ signer_id }) => signer_id === identity.signerId)) {
        note(terminal, `${identity.signerId} has approved it already`);
        showProposal(terminal, json, shown);
        return;
      }
      const { sender } = options;
      const from = sender === undefined ? identity : { signerId: sender.signer, key: loadKey(sender.file) };
      showProposal(terminal, json, await sendApproval(client, id, payload.log, identity, from));
    });
}

function sendApproval(
  client: RegistryClient,
  id: string,
  log: string,
  identity: Identity,
  sender: Identity,
): Promise<RegistryProposal> {
  // Made once: a second ML-DSA-44 signature would be another one, and the node takes one approval of a signer.
  const approval = approve(identity.key, identity.signerId, id, new Date());
  const subject = approvalSubject(id, approval);
  const path = pathOf(ROUTES.registryApprove.template, id);
  return client.write(sender, { action: 'approve', log, subject, path, body: { approval } }, RegistryProposal);
}

function addCommit(registry: Command, terminal: Terminal): void {
  const command = registry
    .command('commit')
    .description('commit a proposal that has its quorum; prints the version')
    .argument('<proposal>', 'id of the proposal', proposalId);
  signing(command).action(async (id: string, options: SigningOptions, self: Command) => {
    const identity = identityOf(options);
    const { registry: client, json } = opened(self, terminal);
    const { log } = await client.signers();
    const path = pathOf(ROUTES.registryCommit.template, id);
    const committed = await client.write(
      identity,
      { action: 'commit', log, subject: id, path, body: {} },
      RegistryCommitted,
    );
    print(terminal, json, committed, () => [String(committed.version)]);
    if (!json) note(terminal, `${committed.entry_b3} committed ${committed.committed_at}`);
  });
}

function addOperator(registry: Command, terminal: Terminal, action: 'freeze' | 'thaw', description: string): void {
  const command = registry
    .command(action)
    .description(description)
    .requiredOption('--reason <text>', 'why: it stands in the audit chain');
  signing(command).action(async (options: SigningOptions & { reason: string }, self: Command) => {
    const identity = identityOf(options);
    const { registry: client, json } = opened(self, terminal);
    const { log } = await client.signers();
    const { reason } = options;
    const path = ROUTES[action === 'freeze' ? 'registryFreeze' : 'registryThaw'].template;
    const call = { action, log, subject: reasonSubject(reason), path, body: { reason } };
    const signers = await client.write(identity, call, RegistrySigners);
    print(terminal, json, signers, () => [
      paint(terminal, signers.state === 'open' ? 'green' : 'yellow', signers.state),
    ]);
  });
}
