import { HASH_BYTES } from './merkle.ts';
import { TlogMalformed, type TlogMalformedReason } from './malformed.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of an input of at most `maxBytes` of UTF-8. Throws {@link TlogMalformed}: `too_large`, `encoding`. */
export function textOf(input: Uint8Array | string, maxBytes: number): string {
  const bytes = typeof input === 'string' ? Buffer.byteLength(input) : input.length;
  if (bytes > maxBytes) throw new TlogMalformed('too_large', `over ${maxBytes} bytes`);
  if (typeof input === 'string') {
    if (!input.isWellFormed()) throw new TlogMalformed('encoding', 'lone surrogate');
    return input;
  }
  try {
    return utf8.decode(input);
  } catch (cause) {
    throw new TlogMalformed('encoding', 'not UTF-8', { cause });
  }
}

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;

/** An ASCII decimal without leading zeros, up to 2^53 - 1; undefined for any other text. */
export function parseDecimal(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The bytes of padded standard base64 (RFC 4648 section 4) in its one canonical spelling; undefined for other text. */
export function parseBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  // Node skips what is not base64, so only a text that comes back the same is taken.
  return bytes.toString('base64') === text ? bytes : undefined;
}

export const formatBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** A hash in base64, as a line of a proof has it; undefined for any other text. */
export function parseHash(text: string): Uint8Array | undefined {
  const bytes = parseBase64(text);
  return bytes?.length === HASH_BYTES ? bytes : undefined;
}

/** The hashes of a proof, one a line. Throws {@link TlogMalformed} with `reason` for a line that is none. */
export function parseHashes(lines: readonly string[], reason: TlogMalformedReason): Uint8Array[] {
  return lines.map((line) => {
    const hashed = parseHash(line);
    if (hashed === undefined) throw new TlogMalformed(reason, 'a line is not a hash in base64');
    return hashed;
  });
}

/** The lines of a proof. Throws RangeError for what is no hash. */
export function formatHashes(hashes: readonly Uint8Array[]): string[] {
  if (!hashes.every((hashed) => hashed.length === HASH_BYTES)) throw new RangeError(`a hash is ${HASH_BYTES} bytes`);
  return hashes.map(formatBase64);
}
