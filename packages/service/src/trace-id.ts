import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4_096;
const pool = Buffer.allocUnsafe(POOL_BYTES);
let used = POOL_BYTES;

/** Offset of `count` fresh random bytes in the pool: one system call serves hundreds of ids. */
function take(count: number): number {
  if (used + count > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const at = used;
  used += count;
  return at;
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID: 48 bits of time, 80 random bits, in Crockford's base 32. */
export function newUlid(now = Date.now()): string {
  let time = '';
  for (let rest = now, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) time = CROCKFORD.charAt(rest % 32) + time;
  const at = take(16);
  let random = '';
  for (let i = 0; i < 16; i++) random += CROCKFORD.charAt((pool[at + i] ?? 0) & 31);
  return time + random;
}

const randomHex = (bytes: number): string => {
  const at = take(bytes);
  return pool.toString('hex', at, at + bytes);
};

const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * The traceparent this request hands on (W3C Trace Context): the caller's trace with a span of our own,
 * or a new, unsampled trace when the caller sent none or a malformed one.
 */
export function childTraceparent(received: string | undefined): string {
  const match = received === undefined || received.length > 512 ? null : TRACEPARENT.exec(received);
  // Version 00 has exactly four fields; a later one may append more.
  if (match === null || (match[1] === '00' && match[5] !== undefined)) return `00-${randomHex(16)}-${randomHex(8)}-00`;
  return `00-${match[2] ?? ''}-${randomHex(8)}-${match[4] ?? '00'}`;
}

/** The ids of a readable traceparent as fields of a log line; none without one. */
export function traceFields(traceparent: string | undefined): { trace_id?: string; span_id?: string } {
  if (traceparent === undefined) return {};
  return { trace_id: traceparent.slice(3, 35), span_id: traceparent.slice(36, 52) };
}

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The correlation id as sent when it is a ULID or a UUID, else a new ULID: a caller cannot write into our logs. */
export function acceptCorrId(received: unknown): string {
  return typeof received === 'string' && (ULID.test(received) || UUID.test(received)) ? received : newUlid();
}
