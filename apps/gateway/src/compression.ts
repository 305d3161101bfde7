import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import { LIMITS } from '@macronode/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** By preference: zstd takes half the CPU of gzip here, and packs tighter. */
const CODINGS = ['zstd', 'gzip'] as const;
type Coding = (typeof CODINGS)[number];

const zstdAsync = promisify(zstdCompress);
const gzipAsync = promisify(gzip);
/** The cheapest level of each: the higher ones cost a multiple and save a few per cent of a small document. */
const COMPRESS: Readonly<Record<Coding, (bytes: Buffer) => Promise<Buffer>>> = {
  zstd: (bytes) => zstdAsync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
  gzip: (bytes) => gzipAsync(bytes, { level: constants.Z_BEST_SPEED }),
};

/** Said of every answer that may be compressed, of a 304 in its place too (RFC 9110, 15.4.5). */
export const VARIES = Object.freeze({ vary: 'accept-encoding' });

const WEIGHT = /^\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*$/i;
const JSON_TYPE = /^application\/json\b/;
const SUFFIX = new RegExp(`-(?:${CODINGS.join('|')})"`, 'g');

/**
 * Entity tags as they were before an answer was compressed. A compressed answer is another representation, with a strong
 * tag of its own (RFC 9110, 8.8.3): `"b3:…-gzip"` for `"b3:…"`; a caller that sends it back means the same record.
 */
export const identityTags = (text: string): string => text.replaceAll(SUFFIX, '"');

/** What a client that sent this Accept-Encoding gets; undefined: the bytes as they are (RFC 9110, 12.5.3). */
export function chooseCoding(acceptEncoding: string | undefined): Coding | undefined {
  if (acceptEncoding === undefined) return undefined;
  const weights = new Map<string, number>();
  for (const item of acceptEncoding.split(',')) {
    const [name = '', parameter] = item.split(';', 2);
    const weight = parameter === undefined ? 1 : Number(WEIGHT.exec(parameter)?.[1] ?? 0);
    weights.set(name.trim().toLowerCase(), weight);
  }
  const weightOf = (coding: string): number => weights.get(coding) ?? weights.get('*') ?? 0;
  const best = CODINGS.reduce((one, other) => (weightOf(other) > weightOf(one) ? other : one));
  return weightOf(best) > 0 && weightOf(best) >= (weights.get('identity') ?? 0) ? best : undefined;
}

/** Compresses JSON answers for who accepts it. Objects are not JSON: their bytes and ranges stay what they are. */
export class Compression {
  /** Of documents that are the same bytes each time: they are compressed once. */
  readonly #kept = new WeakMap<Buffer, Map<Coding, Promise<Buffer>>>();

  /** The payload to send instead, with its header set. */
  readonly encode = async (request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> => {
    const type = reply.getHeader('content-type');
    if (typeof type !== 'string' || !JSON_TYPE.test(type)) return payload;
    reply.headers(VARIES);
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload;
    if (Buffer.byteLength(payload) < LIMITS.compress_min_bytes.value) return payload;
    const accepted = request.headers['accept-encoding'];
    const coding = chooseCoding(Array.isArray(accepted) ? accepted.join(',') : accepted);
    if (coding === undefined) return payload;
    const bytes = typeof payload === 'string' ? COMPRESS[coding](Buffer.from(payload)) : this.#once(payload, coding);
    const etag = reply.getHeader('etag');
    reply.header('content-encoding', coding).removeHeader('content-length');
    if (typeof etag === 'string') reply.header('etag', `${etag.slice(0, -1)}-${coding}"`);
    return bytes;
  };

  #once(payload: Buffer, coding: Coding): Promise<Buffer> {
    const forms = this.#kept.get(payload) ?? new Map<Coding, Promise<Buffer>>();
    this.#kept.set(payload, forms);
    const kept = forms.get(coding);
    if (kept !== undefined) return kept;
    const form = COMPRESS[coding](payload);
    forms.set(coding, form);
    // A failure is of one moment, such as no memory: the next request tries again.
    form.catch(() => forms.delete(coding));
    return form;
  }
}
