import type { ComponentName } from './components.ts';
import type { ErrorCode } from './errors.ts';
import { LIMITS, type Limit } from './limits.ts';
import type { RouteName } from './routes.ts';

export type ParameterName =
  | 'id'
  | 'name'
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

/** A success answer: `bytes` is an octet stream, `any` is JSON without a schema of ours. */
export interface Answer {
  readonly status: 200 | 201 | 206 | 304;
  readonly description: string;
  readonly headers: readonly HeaderName[];
  readonly body?: ComponentName | 'bytes' | 'any';
}

/** What OpenAPI says of a route beyond its method and template. */
export interface Operation {
  readonly tag: 'objects' | 'names' | 'mailbox' | 'meta';
  readonly parameters: readonly ParameterName[];
  /** Said of it beyond its summary. */
  readonly description?: string;
  readonly request?: ComponentName | 'bytes';
  /** Of a request of bytes; an object's by default. */
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
