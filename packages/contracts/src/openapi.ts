import { z } from 'zod';
import { COMPONENTS } from './components.ts';
import { ERRORS, ERROR_CODES } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { Answer, HeaderName, Operation, ParameterName } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import { ROUTES, type Route, type RouteName } from './routes.ts';

/** Version of the public surface, as `info.version` of the document. */
export const API_VERSION = '0.1.0';

type Json = Readonly<Record<string, unknown>>;

const string: Json = { type: 'string' };
const ref = (kind: 'schemas' | 'parameters' | 'headers', name: string): Json => ({
  $ref: `#/components/${kind}/${name}`,
});

const header = (name: string, description: string, schema: Json = string): Json => ({
  name,
  in: 'header',
  required: false,
  description,
  schema,
});

const path = (name: string, description: string, schema: Json): Json => ({
  name,
  in: 'path',
  required: true,
  description,
  schema,
});
const query = (name: string, description: string): Json => ({
  name,
  in: 'query',
  required: false,
  description,
  schema: { type: 'integer', minimum: 0 },
});

const PARAMETERS: Readonly<Record<ParameterName, Json>> = {
  id: { name: 'id', in: 'path', required: true, description: 'A content id.', schema: ref('schemas', 'ContentId') },
  name: { name: 'name', in: 'path', required: true, description: 'A name.', schema: ref('schemas', 'Name') },
  version: path('version', 'A version: decimal, no leading zero.', { type: 'string', pattern: '^[1-9][0-9]*$' }),
  tile: path('tile', 'The path of a tile: the rest of the URL, slashes included.', string),
  proposal: path('id', 'The id of a proposal: the hash of its payload.', ref('schemas', 'ContentId')),
  after: query('after', 'Begin after this number; 0 by default.'),
  limit: query('limit', `At most so many, ${String(LIMITS.registry_log_page.value)} by default and at most.`),
  from: query('from', 'The smaller size.'),
  to: query('to', 'The larger size; that of the checkpoint by default.'),
  lastEventId: header('Last-Event-ID', 'The last version the reader has.'),
  lastEventIdQuery: query(
    'last_event_id',
    'The same, for a stream that is opened anew: no browser lets a page set the header.',
  ),
  corrId: header('X-Corr-ID', 'Accepted when it is a ULID or a UUID, else made; echoed on every answer.'),
  traceparent: header('traceparent', 'W3C Trace Context.'),
  range: header(
    'Range',
    `One range of bytes (RFC 9110, 14). Malformed, or longer than ${String(LIMITS.range_header_chars.value)} characters: ignored.`,
  ),
  ifMatch: header('If-Match', 'Entity tags of which one must be current (RFC 9110, 13.1.1).'),
  ifNoneMatch: header('If-None-Match', 'Entity tags of which none may be current (RFC 9110, 13.1.2).'),
  ifNoneMatchAny: header('If-None-Match', '`*`: answer 412 instead of 200 when it is there already.'),
  ifRange: header('If-Range', 'The range counts only when this strong entity tag is current (RFC 9110, 13.1.5).'),
  expect: header('Expect', '`100-continue`: a refusal comes before the body is asked for.', {
    type: 'string',
    enum: ['100-continue'],
  }),
};

const HEADERS: Readonly<Record<HeaderName, Json>> = {
  'X-Corr-ID': { description: 'The correlation id of this request.', schema: string },
  ETag: {
    description:
      'Strong entity tag: of an object, its id in quotes. A compressed answer has its own, which conditions take as well.',
    schema: string,
  },
  'Cache-Control': { description: 'How long the answer may be kept.', schema: string },
  'Accept-Ranges': { description: 'The range unit.', schema: { type: 'string', const: 'bytes' } },
  'Content-Length': { description: 'Bytes of the body.', schema: { type: 'integer', minimum: 0 } },
  'Content-Range': { description: 'The bytes sent, or `bytes */size` with 416.', schema: string },
  'Content-Location': { description: 'The object the name points to.', schema: string },
  'Content-Disposition': { description: 'Always `attachment`.', schema: string },
  'X-Content-Type-Options': { description: 'Always `nosniff`.', schema: string },
  Location: { description: 'The path of what was made.', schema: string },
  Allow: { description: 'The methods the route has.', schema: string },
  Vary: { description: 'Always `accept-encoding`: JSON may be compressed.', schema: string },
  'X-Macronode-Mesh-Score': {
    description:
      'What other gateways say of this client, 0 to 1. Where the operator wants it told, and there is something to tell.',
    schema: string,
  },
  'Retry-After': { description: 'Whole seconds, at least 1.', schema: { type: 'integer', minimum: 1 } },
};

const headersOf = (names: readonly HeaderName[]): Json =>
  Object.fromEntries(['X-Corr-ID' as const, ...names].map((name) => [name, ref('headers', name)]));

const BYTES = { 'application/octet-stream': {} };
const TEXT = { 'text/plain': { schema: string } };
const MEDIA: Readonly<Record<string, Json>> = {
  bytes: BYTES,
  text: TEXT,
  any: { 'application/json': { schema: {} } },
  events: { 'text/event-stream': { schema: string } },
};

function contentOf(body: Answer['body']): Json {
  if (body === undefined) return {};
  if (typeof body === 'object') {
    const lines = { schema: string, 'x-line-schema': ref('schemas', body.lines) };
    return { content: { 'application/x-ndjson': lines } };
  }
  return { content: MEDIA[body] ?? { 'application/json': { schema: ref('schemas', body) } } };
}

/** What every answer of a route may have: its errors too, since the score is set before the route is asked. */
const anywayOf = ({ upstream }: Route): readonly HeaderName[] =>
  upstream === 'gateway' ? [] : ['X-Macronode-Mesh-Score'];

const successOf = (answer: Answer, route: Route): Json => ({
  description: answer.description,
  headers: headersOf([...answer.headers, ...anywayOf(route)]),
  ...contentOf(answer.body),
});

function errorHeaders(status: number): readonly HeaderName[] {
  if (status === 429 || status === 503) return ['Retry-After'];
  if (status === 416) return ['Content-Range'];
  return [];
}

/** One answer per status; the codes that share it are listed with their meaning. */
function errorsOf(operation: Operation, route: Route): Json {
  const byStatus = Map.groupBy(operation.errors, (code) => ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: codes.map((code) => `\`${code}\`: ${ERRORS[code].meaning}`).join('\n'),
        headers: headersOf([...errorHeaders(status), ...anywayOf(route)]),
        ...(route.method !== 'HEAD' ? contentOf('ErrorEnvelope') : {}),
        'x-error-codes': codes,
      },
    ]),
  );
}

function requestBodyOf(operation: Operation): Json {
  if (operation.request === undefined) return {};
  if (operation.request === 'bytes') {
    return {
      requestBody: {
        description: `Raw bytes, at most ${String((operation.requestLimit ?? LIMITS.max_object_bytes).value)}; sized or chunked; no Content-Encoding.`,
        required: false,
        content: BYTES,
      },
    };
  }
  if (operation.request === 'text') {
    return {
      requestBody: {
        description: `At most ${String((operation.requestLimit ?? LIMITS.json_body_bytes).value)} bytes.`,
        required: true,
        content: TEXT,
      },
    };
  }
  return {
    requestBody: {
      description: `At most ${String((operation.requestLimit ?? LIMITS.json_body_bytes).value)} bytes; unknown fields and duplicate keys are refused.`,
      required: true,
      content: { 'application/json': { schema: ref('schemas', operation.request) } },
    },
  };
}

function operationOf(name: RouteName, route: Route): Json {
  const operation = OPERATIONS[name];
  const names: readonly ParameterName[] = [...operation.parameters, 'corrId', 'traceparent'];
  return {
    operationId: name,
    summary: route.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    tags: [operation.tag],
    parameters: names.map((parameter) => ref('parameters', parameter)),
    ...requestBodyOf(operation),
    responses: {
      ...Object.fromEntries(operation.answers.map((answer) => [String(answer.status), successOf(answer, route)])),
      ...errorsOf(operation, route),
    },
  };
}

function paths(): Json {
  const byTemplate = new Map<string, Record<string, Json>>();
  for (const [name, route] of Object.entries(ROUTES) as [RouteName, Route][]) {
    const item = byTemplate.get(route.template) ?? {};
    item[route.method.toLowerCase()] = operationOf(name, route);
    byTemplate.set(route.template, item);
  }
  return Object.fromEntries(byTemplate);
}

/** The JSON Schema of every component. Input side: what a caller may leave out, and answers that may grow. */
function schemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(COMPONENTS)) registry.add(schema, { id });
  const generated = z.toJSONSchema(registry, { io: 'input', uri: (id) => `#/components/schemas/${id}` }).schemas;
  const named = Object.entries(generated).map(([id, schema]) => {
    const { $schema: _dialect, $id: _uri, ...rest } = schema;
    return [id, rest] as const;
  });
  return { ...Object.fromEntries(named), ErrorCode: errorCodeSchema() };
}

const errorCodeSchema = (): Json => ({
  description: 'Every value of `error.code`. Codes are stable, and new ones may be added.',
  oneOf: ERROR_CODES.map((code) => ({
    const: code,
    description: ERRORS[code].meaning,
    'x-status': ERRORS[code].status,
    'x-retryable': ERRORS[code].retryable,
  })),
});

/**
 * The public surface as an OpenAPI 3.1 document, derived from the routes, the schemas and the error table.
 * A plain value that JSON can carry; two calls give equal documents.
 */
export function openApiDocument(): Json {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Macronode',
      version: API_VERSION,
      description:
        'A content-addressed overlay node: objects, names, mailboxes and a registry. A method a route does not have answers 405 with `Allow`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    servers: [{ url: '/' }],
    tags: [
      { name: 'objects', description: 'Bytes under the BLAKE3 they hash to' },
      { name: 'names', description: 'Signed records that point to objects' },
      { name: 'mailbox', description: 'At-least-once messages with leases and receipts' },
      { name: 'registry', description: 'An append-only log of signed versions that anyone can verify' },
      { name: 'meta', description: 'The surface itself' },
    ],
    paths: paths(),
    components: { schemas: schemas(), parameters: PARAMETERS, headers: HEADERS },
  };
}
