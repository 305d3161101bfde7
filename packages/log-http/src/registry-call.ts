import {
  DECIMAL,
  LIMITS,
  type RegistryCall,
  type RegistryRouteName,
  REGISTRY_ROUTES,
  ServiceError,
} from '@macronode/contracts';
import { headerText, refuseEncoding, RequestBody, requireJsonType } from '@macronode/service';
import type { FastifyReply, FastifyRequest } from 'fastify';

type QueryName = keyof RegistryCall['query'];

const PARAMETER_CHARS = LIMITS.registry_parameter_chars.value;
const PLAIN_TEXT = /^text\/plain\s*(?:;|$)/i;

const PAGE: readonly QueryName[] = ['after', 'limit'];
/** What a route reads of its query; a name that stands nowhere here is ignored, as on any other route. */
const QUERIES: Readonly<Partial<Record<RegistryRouteName, readonly QueryName[]>>> = {
  registryLog: PAGE,
  registryAudit: PAGE,
  registryConsistency: ['from', 'to'],
};

/** One value of the query; refuses one that was sent twice, which every reader would take for another. */
export function queryValue(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new ServiceError('bad_request', `${name} was sent more than once`);
}

function readQuery(route: RegistryRouteName, request: FastifyRequest): RegistryCall['query'] {
  const query: RegistryCall['query'] = {};
  for (const name of QUERIES[route] ?? []) {
    const value = queryValue(request, name);
    if (value === undefined) continue;
    if (!DECIMAL.test(value)) throw new ServiceError('bad_request', `${name} must be a decimal number`);
    query[name] = value;
  }
  return query;
}

/** The parameter of the path, its percent-encoding undone; what it means is for whoever answers to judge. */
function readParameter(request: FastifyRequest): string | undefined {
  const [parameter] = Object.values(request.params as Readonly<Record<string, string>>);
  if (parameter === undefined || parameter.length <= PARAMETER_CHARS) return parameter;
  throw new ServiceError(
    'bad_request',
    `the last part of the path is longer than ${String(PARAMETER_CHARS)} characters`,
  );
}

/** Type, encoding and length are judged before a byte is read. The bytes are not: they are signed as they are. */
async function readBody(route: RegistryRouteName, request: FastifyRequest, reply: FastifyReply): Promise<Uint8Array> {
  const type = request.raw.headers['content-type'];
  const text = route === 'registryAddCheckpoint';
  if (!text) requireJsonType(type);
  else if (type !== undefined && !PLAIN_TEXT.test(type.trim())) {
    throw new ServiceError('unsupported_media_type', 'the body must be text/plain', { reason: 'content_type' });
  }
  refuseEncoding(request.raw);
  const limit = text ? LIMITS.registry_witness_body_bytes : LIMITS.registry_body_bytes;
  return new RequestBody(request.raw, reply.raw, limit.value).whole(LIMITS.request_timeout_ms.value);
}

/** A request as the registry is asked it. Throws `bad_request`, `unsupported_media_type`, `too_large`, `deadline`. */
export async function readRegistryCall(
  route: RegistryRouteName,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<RegistryCall> {
  const parameter = readParameter(request);
  const ifNoneMatch = headerText(request.headers, 'if-none-match');
  return {
    route,
    query: readQuery(route, request),
    ...(parameter !== undefined && { parameter }),
    ...(ifNoneMatch !== undefined && { if_none_match: ifNoneMatch }),
    ...(REGISTRY_ROUTES[route].method === 'POST' && { body: await readBody(route, request, reply) }),
  };
}
