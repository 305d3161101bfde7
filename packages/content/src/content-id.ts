import { Blake3Hasher, blake3 } from '@napi-rs/blake-hash';

/** `b3:` and the BLAKE3 of the raw bytes in lower-case hex. The shape is checked by {@link isContentId}. */
export type ContentIdString = `b3:${string}`;

/** Bytes of a BLAKE3 digest and of a BLAKE3 key. */
export const DIGEST_BYTES = 32;

const CONTENT_ID = /^b3:[0-9a-f]{64}$/;

/** True when `text` is spelled as a content id: one spelling per digest, so upper case is refused. */
export const isContentId = (text: string): text is ContentIdString => CONTENT_ID.test(text);

/** A Buffer over the same memory, no copy: the only byte type the native hash takes. */
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The content id of bytes that are in memory. For bytes that arrive in parts, see {@link ContentHasher}. */
export const hashBytes = (bytes: Uint8Array): ContentIdString => `b3:${blake3(asBuffer(bytes)).toString('hex')}`;

/** The raw 32-byte BLAKE3 of `bytes`: what a manifest lists per chunk. */
export const digestBytes = (bytes: Uint8Array): Uint8Array => blake3(asBuffer(bytes));

/** The content id of a raw digest. Throws RangeError unless it is 32 bytes long. */
export function contentIdOf(digest: Uint8Array): ContentIdString {
  if (digest.length !== DIGEST_BYTES) throw new RangeError(`a BLAKE3 digest is 32 bytes, not ${digest.length}`);
  return `b3:${asBuffer(digest).toString('hex')}`;
}

/** The raw digest in a content id. Throws RangeError when `id` is not one. */
export function digestOf(id: string): Uint8Array {
  if (!isContentId(id)) throw new RangeError('not a content id');
  return Buffer.from(id.slice(3), 'hex');
}

/** BLAKE3 in its keyed mode: a MAC of `bytes` under a 32-byte secret. Throws RangeError for a key of another length. */
export function keyedHash(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (key.length !== DIGEST_BYTES) throw new RangeError(`a BLAKE3 key is 32 bytes, not ${key.length}`);
  return Blake3Hasher.newKeyed(asBuffer(key)).update(asBuffer(bytes)).digestBuffer();
}

/**
 * BLAKE3 over bytes that arrive in parts; holds a constant amount of memory whatever the length.
 * Making one costs microseconds: reuse it with {@link reset} where many small things are hashed.
 */
export class ContentHasher {
  readonly #hasher = new Blake3Hasher();

  update(bytes: Uint8Array): this {
    this.#hasher.update(asBuffer(bytes));
    return this;
  }

  /** The id of everything since the start or the last reset. Asking does not end the stream: more may follow. */
  digest(): ContentIdString {
    return `b3:${this.#hasher.digestBuffer().toString('hex')}`;
  }

  reset(): this {
    this.#hasher.reset();
    return this;
  }
}
