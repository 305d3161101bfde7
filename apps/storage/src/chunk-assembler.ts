import {
  CHUNK_BYTES,
  ContentHasher,
  contentIdOf,
  DIGEST_BYTES,
  digestBytes,
  digestOf,
  type ContentIdString,
} from '@macronode/content';

export interface AssembledObject {
  readonly id: ContentIdString;
  readonly size: number;
  /** Digests of all chunks, 32 bytes each; empty when the object is at most one chunk, whose digest is the id. */
  readonly chunks: Uint8Array;
  /** The last chunk, which `push` has not given out. */
  readonly last: Uint8Array;
}

/** Whether `bytes` are chunk `index` of the object. */
export function isChunk(id: string, chunks: Uint8Array, index: number, bytes: Uint8Array): boolean {
  const at = index * DIGEST_BYTES;
  const expected = chunks.length === 0 ? digestOf(id) : chunks.subarray(at, at + DIGEST_BYTES);
  return Buffer.compare(digestBytes(bytes), expected) === 0;
}

/** Cuts a stream of bytes into chunks and hashes both the chunks and the whole. Holds at most one chunk. */
export class ChunkAssembler {
  readonly #whole = new ContentHasher();
  readonly #digests: Uint8Array[] = [];
  #pending: Uint8Array = new Uint8Array(0);
  #filled = 0;
  #sealedBytes = 0;

  get size(): number {
    return this.#sealedBytes + this.#filled;
  }

  /** Takes bytes and gives out the chunks that are complete and known not to be the last. Drain it. */
  *push(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#filled === CHUNK_BYTES) yield this.#seal();
      if (this.#filled === 0 && bytes.length - at >= CHUNK_BYTES) {
        this.#pending = bytes.subarray(at, at + CHUNK_BYTES);
        this.#filled = CHUNK_BYTES;
        at += CHUNK_BYTES;
        continue;
      }
      const taken = Math.min(CHUNK_BYTES - this.#filled, bytes.length - at);
      this.#reserve(this.#filled + taken);
      this.#pending.set(bytes.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
    }
  }

  /** Takes bytes whose chunks nobody wants. */
  hash(bytes: Uint8Array): void {
    const chunks = this.push(bytes);
    while (chunks.next().done !== true);
  }

  finish(): AssembledObject {
    const size = this.size;
    const last = this.#pending.subarray(0, this.#filled);
    if (this.#digests.length === 0) {
      return { id: contentIdOf(digestBytes(last)), size, chunks: new Uint8Array(0), last };
    }
    this.#seal();
    return { id: this.#whole.digest(), size, chunks: new Uint8Array(Buffer.concat(this.#digests)), last };
  }

  #seal(): Uint8Array {
    const chunk = this.#pending.subarray(0, this.#filled);
    this.#digests.push(digestBytes(chunk));
    this.#whole.update(chunk);
    this.#sealedBytes += this.#filled;
    this.#pending = new Uint8Array(0);
    this.#filled = 0;
    return chunk;
  }

  /** Doubles, so that a small object costs what it is and a large one one chunk. */
  #reserve(bytes: number): void {
    if (bytes <= this.#pending.length) return;
    const grown = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(bytes, 2 * this.#pending.length)));
    grown.set(this.#pending.subarray(0, this.#filled));
    this.#pending = grown;
  }
}
