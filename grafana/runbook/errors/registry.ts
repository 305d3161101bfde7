import { LIMITS } from '@macronode/contracts';
import { METRICS } from '../../declared.ts';
import { ask, highest, perSecond, type } from '../ask.ts';
import type { RunbookEntry } from '../entry.ts';
import { answers, refusals } from './refusal.ts';

const { registry } = METRICS;
const hours = (ms: number): number => ms / 3_600_000;

/** What a signer or its tool gets wrong. */
const signing: Readonly<Record<string, RunbookEntry>> = {
  unknown_signer: {
    meaning:
      'A write is signed by somebody who is not in the signer set in force, or names another algorithm for the key.',
    steps: [
      refusals('unknown_signer|auth', '`auth`: who asks. `unknown_signer`: who approves.'),
      type(
        'Who is in the set.',
        'curl -s http://127.0.0.1:8080/registry/signers',
        '`signers`, each with its `signer_id` and `algo`; `version` is the entry that set them.',
      ),
    ],
    mend: [
      'A rotation took it out: the holder signs with the new key, under its new id.',
      'Never in it: a version of kind `signers` brings it in, approved by the sets before and after.',
    ],
  },
  revoked_key: {
    meaning:
      'A proposal carries an approval by a key that was in force when it was given and is not any more. It counts for nothing.',
    steps: [
      refusals('revoked_key', 'Only where signers were rotated while the proposal was open.'),
      ask(
        'Whether signers were rotated.',
        perSecond(registry.updates, 'kind', 'kind="signers"'),
        'Above 0 at that time.',
      ),
    ],
    mend: [
      'Propose again: a payload names the version of the signer set it was made for, and the set is another one now.',
    ],
  },
  signer_conflict: {
    meaning: 'A signer has approved this proposal already, and sends another signature for it. The first one stays.',
    steps: [
      refusals('signer_conflict', 'Single ones: two tools with one key.'),
      ask(
        'How many approvals are verified.',
        perSecond(registry.approvalVerified, 'algo, result'),
        'As many as signers approve; far more: a tool repeats itself.',
      ),
    ],
    mend: [
      'Nothing is to be done for the proposal: it has the approval.',
      'ML-DSA signs at random: a tool that repeats an approval sends the bytes of the first one, it does not sign again.',
    ],
  },
  replayed: {
    meaning:
      'The nonce of a signed request was used before: the same bytes came twice, from a tool that retries or from somebody who listened.',
    steps: [
      refusals('replayed', 'Single ones: a retry. Many: somebody sends what others have signed.'),
      answers(409, 'Writes of the registry.'),
    ],
    mend: [
      'A retry signs again with a fresh nonce; proposals, approvals and commits may be repeated, they answer what is there.',
      'Not a retry: nothing was done by it. The connection is not private: serve the write plane over TLS.',
    ],
  },
  hash_mismatch: {
    meaning: 'The `payload_b3` that was sent is not the hash of the payload in its canonical form (RFC 8785).',
    steps: [
      refusals('hash_mismatch', 'A new tool, or a number that JSON libraries write differently.'),
      type(
        'What a payload is in canonical form, as a proposal that was taken shows it.',
        'curl -s http://127.0.0.1:8080/registry/proposals',
        'Each with the hash that is its id.',
      ),
    ],
    mend: ['The tool hashes the canonical bytes, not the text it sends; `message` has the hash they give.'],
  },
  bad_key: {
    meaning:
      'A public key in a signer set is refused: of small order, not in canonical form, of the wrong length, or without proof that somebody holds it.',
    steps: [
      refusals(
        'bad_key|possession|small_order|non_canonical|length',
        '`possession`: the proof is for another log or id.',
      ),
      ask(
        'Which signers are in force meanwhile.',
        highest(registry.signers, 'algo'),
        'The set before: nothing was changed.',
      ),
    ],
    mend: [
      'The holder makes its entry again: `npx ronctl registry keygen` writes the key with its proof for this log and id.',
      'A key of small order is an attack, not a mistake: ask its holder.',
    ],
  },
};

/** What does not fit the log as it stands. */
const places: Readonly<Record<string, RunbookEntry>> = {
  chain_mismatch: {
    meaning:
      'A payload continues another head than the one there is: its version, its previous hash or its signer set is not the next.',
    steps: [
      refusals(
        'chain_mismatch|version|prev_hash|signer_set_version|supersede_of|committed',
        '`version`, `prev_hash`: somebody was faster. `signer_set_version`: signers were rotated. `committed`: it is in the log already.',
      ),
      ask('Whether commits race.', perSecond(registry.casFailed, 'instance'), 'A steady rate: several writers.'),
      type(
        'The head.',
        'curl -s http://127.0.0.1:8080/registry/head',
        '`version` and `entry_b3`: what the next payload continues.',
      ),
    ],
    mend: [
      'The writer reads the head, makes the payload anew and has it approved again: an approval is for one place in the log.',
      'Several writers: have one propose for all, many descriptors in one version.',
    ],
  },
  quorum_failed: {
    meaning: 'A commit was asked for before enough signers had approved, or without the post-quantum ones it needs.',
    steps: [
      refusals('quorum_failed', 'Single ones: impatience.'),
      type(
        'What each open proposal lacks.',
        'curl -s http://127.0.0.1:8080/registry/proposals',
        '`quorum`: `approved` of `m`, `approved_pq` of `k_pq`; for a rotation `incoming` too.',
      ),
    ],
    mend: [
      'Ask the signers whose approval is missing.',
      'Enough approved, and not enough: one of them was rotated out since, see `revoked_key`.',
    ],
  },
  not_in_checkpoint: {
    meaning: 'A proof was asked for a version that no published checkpoint covers yet. It lasts milliseconds.',
    steps: [
      refusals('not_in_checkpoint', 'Near zero.'),
      ask(
        'How old the checkpoint is.',
        highest(registry.checkpointAge, 'instance'),
        'Seconds; above 60: see `RegistryCheckpointStale`.',
      ),
    ],
    mend: ['The reader asks again; `checkpoint_size` of the head says how far it reaches.'],
  },
  sealed: {
    meaning: 'The log has ended with a version of kind `seal`. It is read for ever and takes no entry any more.',
    steps: [
      refusals('sealed', 'Writers that have not moved on.'),
      type(
        'Its successor.',
        'curl -s http://127.0.0.1:8080/registry/log',
        'The last line: `successor` with its name and verifier key.',
      ),
    ],
    mend: [
      'Writers and followers take the address of the successor, and check its checkpoints with the key named there.',
    ],
  },
  expired: {
    meaning: `A proposal is older than it said it would live (at most ${hours(LIMITS.registry_proposal_max_ms.value)} hours), or a signed request came after its end.`,
    steps: [
      refusals(
        'expired|auth|expires_at',
        '`auth`: requests, by signers whose clocks are behind. `expired`: proposals.',
      ),
      ask('How many are open.', highest(registry.pending, 'instance'), 'Those that expire are ended within a second.'),
    ],
    mend: [
      'A proposal: propose the same again with a later end, and ask signers to be quicker.',
      'Requests: the clock of the signer, or a tool that signs long before it sends; five minutes is the most.',
    ],
  },
  maintenance: {
    meaning: 'The log takes no writes: an operator froze it, it has no signers yet, or this is a replica. Reads go on.',
    steps: [
      refusals('maintenance|frozen|no_signers|replica', 'Which of them.'),
      ask(
        'Whether the registry is ready otherwise.',
        `${METRICS.state.readyz.name}{service="registry"}`,
        '2: it is. 1: see `ServiceReadOnly`.',
      ),
    ],
    mend: ['See `RegistryWritesRefused`; callers wait as long as `Retry-After` says.'],
  },
};

/** Errors of the registry. */
export const registryErrors: Readonly<Record<string, RunbookEntry>> = { ...signing, ...places };
