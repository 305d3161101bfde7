import type { ComponentName } from './components.ts';
import type { ErrorCode } from './errors.ts';
import type { Limit } from './limits.ts';

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
  | 'Vary'
  | 'X-Macronode-Mesh-Score';

/** A success answer: `bytes` is an octet stream, `any` is JSON without a schema of ours, `text` and `events` are those media types, `lines` is JSON of that schema on each line. */
export interface Answer {
  readonly status: 200 | 201 | 202 | 206 | 304;
  readonly description: string;
  readonly headers: readonly HeaderName[];
  readonly body?: ComponentName | 'bytes' | 'any' | 'text' | 'events' | { readonly lines: ComponentName };
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
export const EDGE = [
  'bad_request',
  'header_too_large',
  'internal',
  'busy',
  'quota',
  'forbidden',
] as const satisfies readonly ErrorCode[];
/** Routes that ask a service behind the gateway. */
export const BEHIND = [...EDGE, 'no_responders', 'unavailable', 'deadline'] as const satisfies readonly ErrorCode[];
/** A write may have taken effect without an answer. */
export const WRITE = [...BEHIND, 'outcome_unknown'] as const satisfies readonly ErrorCode[];
export const JSON_BODY = ['schema', 'too_large', 'unsupported_media_type'] as const satisfies readonly ErrorCode[];
export const CACHED = ['ETag', 'Cache-Control'] as const satisfies readonly HeaderName[];
export const CACHED_JSON = [...CACHED, 'Vary'] as const satisfies readonly HeaderName[];

export const notModified = (headers: readonly HeaderName[]): Answer => ({
  status: 304,
  description: 'The copy the caller holds is current.',
  headers,
});
export const answered = (description: string, body: ComponentName): readonly Answer[] => [
  { status: 200, description, headers: [], body },
];
