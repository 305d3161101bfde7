import type { ErrorCode } from './errors.ts';
import { LIMITS } from './limits.ts';
import {
  type Answer,
  answered,
  BEHIND,
  CACHED_JSON,
  JSON_BODY,
  notModified,
  type Operation,
  WRITE,
} from './operation.ts';
import type { RegistryRouteName } from './routes.ts';

/** Routes of the log: a busy route refuses with 429 before anything else is looked at. */
const LOG_READ = [...BEHIND, 'saturated'] as const satisfies readonly ErrorCode[];
/** Every write is signed by an active signer, and its nonce counts once. */
const LOG_WRITE = [
  ...WRITE,
  ...JSON_BODY,
  'unknown_signer',
  'replayed',
  'sealed',
  'expired',
  'bad_signature',
  'saturated',
  'maintenance',
  'no_space',
] as const satisfies readonly ErrorCode[];
const LOG_ENTRY_WRITE = [...LOG_WRITE, 'bad_id', 'not_found', 'revoked_key'] as const satisfies readonly ErrorCode[];
const PROPOSED: Answer = { status: 202, description: 'Proposed.', headers: ['Location'], body: 'RegistryProposal' };
const IMMUTABLE = 'Never changes: it may be kept for ever.';
const committed = (status: 200 | 201, description: string): Answer => ({
  status,
  description,
  headers: ['Location'],
  body: 'RegistryCommitted',
});

/** The routes of the registry, keyed as REGISTRY_ROUTES. */
export const REGISTRY_OPERATIONS: Readonly<Record<RegistryRouteName, Operation>> = Object.freeze({
  registryHead: {
    tag: 'registry',
    description: 'Before the first entry: version 0, and nulls. Ask with If-None-Match: most answers are 304.',
    parameters: ['ifNoneMatch'],
    answers: [
      { status: 200, description: 'The head.', headers: CACHED_JSON, body: 'RegistryHead' },
      notModified(CACHED_JSON),
    ],
    errors: LOG_READ,
  },
  registryEntry: {
    tag: 'registry',
    description: IMMUTABLE,
    parameters: ['version', 'ifNoneMatch'],
    answers: [
      { status: 200, description: 'The entry and its payload.', headers: CACHED_JSON, body: 'RegistryEntry' },
      notModified(CACHED_JSON),
    ],
    errors: [...LOG_READ, 'not_found'],
  },
  registryProof: {
    tag: 'registry',
    description: 'A C2SP tlog-proof: it verifies offline, with the key of the log and the leaf alone.',
    parameters: ['version'],
    answers: [{ status: 200, description: 'The proof.', headers: ['Cache-Control'], body: 'text' }],
    errors: [...LOG_READ, 'not_found', 'not_in_checkpoint'],
  },
  registryLog: {
    tag: 'registry',
    description: 'An answer may end early, at an entry; the reader goes on after the last one it got.',
    parameters: ['after', 'limit'],
    answers: [
      {
        status: 200,
        description: 'Entries, one a line, as `RegistryEntry`.',
        headers: ['Cache-Control'],
        body: { lines: 'RegistryEntry' },
      },
    ],
    errors: LOG_READ,
  },
  registryConsistency: {
    tag: 'registry',
    parameters: ['from', 'to'],
    answers: [
      {
        status: 200,
        description: 'The proof (RFC 9162, 2.1.4).',
        headers: ['Cache-Control'],
        body: 'RegistryConsistency',
      },
    ],
    errors: [...LOG_READ, 'not_found', 'not_in_checkpoint'],
  },
  registryCheckpoint: {
    tag: 'registry',
    description: 'A C2SP tlog-checkpoint: signed by the log, cosigned with a time by it and by its witnesses.',
    parameters: [],
    answers: [{ status: 200, description: 'The signed note.', headers: ['Cache-Control'], body: 'text' }],
    errors: [...LOG_READ, 'not_found'],
  },
  registryTile: {
    tag: 'registry',
    description: `C2SP tlog-tiles: \`<level>/<index>[.p/<width>]\` or \`entries/<index>[.p/<width>]\`. ${IMMUTABLE}`,
    parameters: ['tile'],
    answers: [{ status: 200, description: 'The tile.', headers: ['Cache-Control'], body: 'bytes' }],
    errors: [...LOG_READ, 'not_found'],
  },
  registryStream: {
    tag: 'registry',
    description:
      'Events `commit` (id: the version; data: `RegistryCommitted`), `lag` and `reset` (data: `RegistryHead`: read what is missing). After `Last-Event-ID` what came since is sent first.',
    parameters: ['lastEventId', 'lastEventIdQuery'],
    answers: [{ status: 200, description: 'The stream.', headers: ['Cache-Control'], body: 'events' }],
    errors: LOG_READ,
  },
  registrySigners: {
    tag: 'registry',
    parameters: [],
    answers: [{ status: 200, description: 'The set in force.', headers: ['Cache-Control'], body: 'RegistrySigners' }],
    errors: LOG_READ,
  },
  registryProposals: {
    tag: 'registry',
    parameters: [],
    answers: [{ status: 200, description: 'What is open.', headers: ['Cache-Control'], body: 'RegistryProposalList' }],
    errors: LOG_READ,
  },
  registryProposal: {
    tag: 'registry',
    parameters: ['proposal'],
    answers: [{ status: 200, description: 'As it stands.', headers: ['Cache-Control'], body: 'RegistryProposalShown' }],
    errors: [...LOG_READ, 'bad_id', 'not_found'],
  },
  registryAudit: {
    tag: 'registry',
    parameters: ['after', 'limit'],
    answers: [
      {
        status: 200,
        description: 'Records, one a line, as `RegistryAuditRecord`.',
        headers: ['Cache-Control'],
        body: { lines: 'RegistryAuditRecord' },
      },
    ],
    errors: LOG_READ,
  },
  registryPropose: {
    tag: 'registry',
    parameters: [],
    request: 'RegistryProposeRequest',
    requestLimit: LIMITS.registry_body_bytes,
    answers: [PROPOSED, { ...PROPOSED, status: 200, description: 'Proposed before, as it stands.' }],
    errors: [...LOG_WRITE, 'chain_mismatch', 'hash_mismatch', 'bad_key'],
  },
  registryApprove: {
    tag: 'registry',
    parameters: ['proposal'],
    request: 'RegistryApproveRequest',
    answers: answered('Approved; an approval sent again changes nothing.', 'RegistryProposal'),
    errors: [...LOG_ENTRY_WRITE, 'chain_mismatch', 'signer_conflict'],
  },
  registryCommit: {
    tag: 'registry',
    parameters: ['proposal'],
    request: 'RegistryCommitRequest',
    answers: [committed(201, 'Committed.'), committed(200, 'Committed before.')],
    errors: [...LOG_ENTRY_WRITE, 'chain_mismatch', 'quorum_failed'],
  },
  registryFreeze: {
    tag: 'registry',
    description: 'From here on writes are answered 503 `maintenance`, thaw excepted; reads go on.',
    parameters: [],
    request: 'RegistryOperatorRequest',
    answers: answered('Frozen.', 'RegistrySigners'),
    errors: LOG_WRITE,
  },
  registryThaw: {
    tag: 'registry',
    parameters: [],
    request: 'RegistryOperatorRequest',
    answers: answered('Writes are taken again.', 'RegistrySigners'),
    errors: LOG_WRITE,
  },
  registryAddCheckpoint: {
    tag: 'registry',
    description:
      'C2SP tlog-witness, its statuses and bodies included: 409 answers the size this witness knows as `text/x.tlog.size`. Logs it witnesses stand in REGISTRY_WITNESSED.',
    parameters: [],
    request: 'text',
    requestLimit: LIMITS.registry_witness_body_bytes,
    answers: [{ status: 200, description: 'The lines of its cosignatures.', headers: [], body: 'text' }],
    errors: [...LOG_READ, 'not_found', 'too_large', 'unsupported_media_type'],
  },
});
