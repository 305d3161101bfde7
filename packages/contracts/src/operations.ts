import type { ComponentName } from './components.ts';
import type { ErrorCode } from './errors.ts';
import { LIMITS, type Limit } from './limits.ts';
import type { RouteName } from './routes.ts';

export type ParameterName =
  | 'id'
  | 'name'
  | 'version'
  | 'tile'
  | 'proposal'
  | 'after'
  | 'limit'
  | 'from'
  | 'to'
  | 'lastEventId'
  | 'lastEventIdQuery'
  | 'corrId'
  | 'traceparent'
  | 'range'
  | 'ifMatch'
  | 'ifNoneMatch'
  | 'ifNoneMatchAny'
  | 'ifRange'
  | 'expect';

export type HeaderName =
  | 'X-Corr-ID'
  | 'ETag'
  | 'Cache-Control'
  | 'Accept-Ranges'
  | 'Content-Length'
  | 'Content-Range'
  | 'Content-Location'
  | 'Content-Disposition'
  | 'X-Content-Type-Options'
  | 'Location'
  | 'Allow'
  | 'Retry-After'
  | 'Vary';

/** A success answer: `bytes` is an octet stream, `any` is JSON without a schema of ours, `text`, `ndjson` and `events` are those media types. */
export interface Answer {
  readonly status: 200 | 201 | 202 | 206 | 304;
  readonly description: string;
  readonly headers: readonly HeaderName[];
  readonly body?: ComponentName | 'bytes' | 'any' | 'text' | 'ndjson' | 'events';
}

/** What OpenAPI says of a route beyond its method and template. */
export interface Operation {
  readonly tag: 'objects' | 'names' | 'mailbox' | 'registry' | 'meta';
  readonly parameters: readonly ParameterName[];
  /** Said of it beyond its summary. */
  readonly description?: string;
  readonly request?: ComponentName | 'bytes' | 'text';
  /** Of its body; an object's, or that of JSON, by default. */
  readonly requestLimit?: Limit;
  readonly answers: readonly Answer[];
  readonly errors: readonly ErrorCode[];
}

/** Any route can be refused at the edge. */
const EDGE = ['bad_request', 'header_too_large', 'internal', 'busy'] as const satisfies readonly ErrorCode[];
/** Routes that ask a service behind the gateway. */
const BEHIND = [...EDGE, 'no_responders', 'unavailable', 'deadline'] as const satisfies readonly ErrorCode[];
/** A write may have taken effect without an answer. */
const WRITE = [...BEHIND, 'outcome_unknown'] as const satisfies readonly ErrorCode[];
const JSON_BODY = ['schema', 'too_large', 'unsupported_media_type'] as const satisfies readonly ErrorCode[];
const UPLOAD = [
  'precondition_failed',
  'too_large',
  'unsupported_media_type',
  'no_space',
] as const satisfies readonly ErrorCode[];

const OBJECT_HEADERS = [
  'ETag',
  'Cache-Control',
  'Accept-Ranges',
  'Content-Length',
  'Content-Disposition',
  'X-Content-Type-Options',
] as const satisfies readonly HeaderName[];
const NAMED = [...OBJECT_HEADERS, 'Content-Location'] as const satisfies readonly HeaderName[];
const CACHED = ['ETag', 'Cache-Control'] as const satisfies readonly HeaderName[];
const CACHED_JSON = [...CACHED, 'Vary'] as const satisfies readonly HeaderName[];

const whole = (headers: readonly HeaderName[]): Answer => ({
  status: 200,
  description: 'The whole object.',
  headers,
  body: 'bytes',
});
const part = (headers: readonly HeaderName[]): Answer => ({
  status: 206,
  description: 'The range asked for.',
  headers: [...headers, 'Content-Range'],
  body: 'bytes',
});
const headersOnly = (headers: readonly HeaderName[]): Answer => ({
  status: 200,
  description: 'The headers of the whole object; Range is ignored.',
  headers,
});
const notModified = (headers: readonly HeaderName[]): Answer => ({
  status: 304,
  description: 'The copy the caller holds is current.',
  headers,
});
const stored: readonly Answer[] = [
  { status: 201, description: 'Stored.', headers: ['Location', 'ETag'], body: 'ObjectStored' },
  {
    status: 200,
    description: 'Already there; the body may not have been read.',
    headers: ['Location', 'ETag'],
    body: 'ObjectStored',
  },
];
const answered = (description: string, body: ComponentName): readonly Answer[] => [
  { status: 200, description, headers: [], body },
];

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
  'quota',
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

const READ = ['not_found', 'precondition_failed', 'integrity'] as const satisfies readonly ErrorCode[];
const CONDITIONS = ['ifMatch', 'ifNoneMatch'] as const satisfies readonly ParameterName[];
const RANGED = ['range', ...CONDITIONS, 'ifRange'] as const satisfies readonly ParameterName[];

/** Every public route once, keyed as ROUTES. */
export const OPERATIONS: Readonly<Record<RouteName, Operation>> = Object.freeze({
  objectCreate: {
    tag: 'objects',
    parameters: ['ifNoneMatchAny', 'expect'],
    request: 'bytes',
    answers: stored,
    errors: [...WRITE, ...UPLOAD],
  },
  objectPut: {
    tag: 'objects',
    parameters: ['id', 'ifNoneMatchAny', 'expect'],
    request: 'bytes',
    answers: stored,
    errors: [...WRITE, 'bad_id', ...UPLOAD, 'digest_mismatch'],
  },
  objectGet: {
    tag: 'objects',
    parameters: ['id', ...RANGED],
    answers: [whole(OBJECT_HEADERS), part(OBJECT_HEADERS), notModified(CACHED)],
    errors: [...BEHIND, 'bad_id', ...READ, 'range_not_satisfiable'],
  },
  objectHead: {
    tag: 'objects',
    parameters: ['id', ...CONDITIONS],
    answers: [headersOnly(OBJECT_HEADERS), notModified(CACHED)],
    errors: [...BEHIND, 'bad_id', ...READ],
  },
  nameGet: {
    tag: 'names',
    parameters: ['name', ...CONDITIONS],
    answers: [
      { status: 200, description: 'The record.', headers: CACHED_JSON, body: 'NameRecord' },
      notModified(CACHED_JSON),
    ],
    errors: [...BEHIND, 'bad_name', 'not_found', 'precondition_failed'],
  },
  namePut: {
    tag: 'names',
    parameters: ['name', 'ifMatch', 'ifNoneMatchAny'],
    request: 'NamePutBody',
    answers: [
      { status: 201, description: 'The name is new.', headers: ['Location', 'ETag'], body: 'NameRecord' },
      { status: 200, description: 'The name has a newer record.', headers: ['Location', 'ETag'], body: 'NameRecord' },
    ],
    errors: [
      ...WRITE,
      ...JSON_BODY,
      'bad_name',
      'not_owner',
      'stale_seq',
      'precondition_failed',
      'bad_signature',
      'no_space',
    ],
  },
  nameRead: {
    tag: 'names',
    parameters: ['name', ...RANGED],
    answers: [whole(NAMED), part(NAMED), notModified([...CACHED, 'Content-Location'])],
    errors: [...BEHIND, 'bad_name', ...READ, 'range_not_satisfiable'],
  },
  nameHead: {
    tag: 'names',
    parameters: ['name', ...CONDITIONS],
    answers: [headersOnly(NAMED), notModified([...CACHED, 'Content-Location'])],
    errors: [...BEHIND, 'bad_name', ...READ],
  },
  mailboxSend: {
    tag: 'mailbox',
    parameters: [],
    request: 'MailboxSendRequest',
    answers: answered('Accepted, or accepted before under this idempotency key.', 'MailboxSendReply'),
    errors: [...WRITE, ...JSON_BODY, 'idempotency_mismatch', 'saturated', 'no_space'],
  },
  mailboxRecv: {
    tag: 'mailbox',
    parameters: [],
    request: 'MailboxRecvRequest',
    answers: answered('Leased messages, none when the wait ended first.', 'MailboxRecvReply'),
    errors: [...WRITE, ...JSON_BODY],
  },
  mailboxAck: {
    tag: 'mailbox',
    parameters: [],
    request: 'MailboxAckRequest',
    answers: answered('One result per receipt, in order.', 'MailboxAckReply'),
    errors: [...WRITE, ...JSON_BODY],
  },
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
        body: 'ndjson',
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
    errors: [...LOG_READ, 'not_found'],
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
    answers: [{ status: 200, description: 'Records, one a line.', headers: ['Cache-Control'], body: 'ndjson' }],
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
    errors: [...LOG_READ, 'not_found', 'unknown_signer', 'chain_mismatch', 'too_large', 'bad_signature', 'maintenance'],
  },
  echo: {
    tag: 'meta',
    description:
      'For load tests: omnigate asks the index, the storage and the mailbox, and answers once all three have sent the bytes back. Nothing is stored. Off unless the node was started with GATEWAY_ECHO=true, since it makes work for anybody; then there is no such route.',
    parameters: [],
    request: 'bytes',
    requestLimit: LIMITS.echo_bytes,
    answers: [
      {
        status: 200,
        description: 'The bytes that were sent.',
        headers: ['Cache-Control', 'Content-Length', 'Content-Disposition', 'X-Content-Type-Options'],
        body: 'bytes',
      },
    ],
    errors: [...BEHIND, 'not_found', 'too_large', 'unsupported_media_type', 'integrity'],
  },
  openapi: {
    tag: 'meta',
    parameters: ['ifNoneMatch'],
    answers: [
      { status: 200, description: 'This document.', headers: CACHED_JSON, body: 'any' },
      notModified(CACHED_JSON),
    ],
    errors: EDGE,
  },
});
