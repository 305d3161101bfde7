import type { ErrorCode } from './errors.ts';
import { LIMITS } from './limits.ts';
import {
  type Answer,
  answered,
  BEHIND,
  CACHED,
  CACHED_JSON,
  EDGE,
  type HeaderName,
  JSON_BODY,
  notModified,
  type Operation,
  type ParameterName,
  WRITE,
} from './operation.ts';
import { REGISTRY_OPERATIONS } from './registry-operations.ts';
import type { RouteName } from './routes.ts';

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
const stored: readonly Answer[] = [
  { status: 201, description: 'Stored.', headers: ['Location', 'ETag'], body: 'ObjectStored' },
  {
    status: 200,
    description: 'Already there; the body may not have been read.',
    headers: ['Location', 'ETag'],
    body: 'ObjectStored',
  },
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
  ...REGISTRY_OPERATIONS,
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
