/** Parts a digest has: the first byte of a hash names one. */
export const DIGEST_BUCKETS = 256;
const BUCKET_BYTES = 8;
/** Bytes of a digest. */
export const DIGEST_BYTES = DIGEST_BUCKETS * BUCKET_BYTES;

/**
 * What a table holds, in 2 KiB: per bucket the sum of the hashes of its envelopes modulo 2^64, kept up with every change.
 * A sum, as with an exclusive or it is plain linear algebra to make envelopes that hide one another.
 */
export class TableDigest {
  /** Upper and lower halves by turns. */
  readonly #sums = new Uint32Array(DIGEST_BUCKETS * 2);

  add(bucket: number, high: number, low: number): void {
    const at = bucket * 2;
    const sum = (this.#sums[at + 1] ?? 0) + low;
    this.#sums[at + 1] = sum;
    this.#sums[at] = (this.#sums[at] ?? 0) + high + (sum > 0xffff_ffff ? 1 : 0);
  }

  subtract(bucket: number, high: number, low: number): void {
    const at = bucket * 2;
    const difference = (this.#sums[at + 1] ?? 0) - low;
    this.#sums[at + 1] = difference;
    this.#sums[at] = (this.#sums[at] ?? 0) - high - (difference < 0 ? 1 : 0);
  }

  bytes(): Uint8Array {
    const bytes = Buffer.alloc(DIGEST_BYTES);
    this.#sums.forEach((half, i) => bytes.writeUInt32BE(half, i * 4));
    return bytes;
  }

  /** The buckets in which another digest differs, in ascending order. Throws RangeError when it is none. */
  differing(digest: Uint8Array): readonly number[] {
    if (digest.length !== DIGEST_BYTES)
      throw new RangeError(`a digest has ${DIGEST_BYTES} bytes, not ${digest.length}`);
    const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
    const buckets: number[] = [];
    for (let i = 0; i < DIGEST_BUCKETS; i += 1) {
      const same = view.getUint32(i * 8) === this.#sums[i * 2] && view.getUint32(i * 8 + 4) === this.#sums[i * 2 + 1];
      if (!same) buckets.push(i);
    }
    return buckets;
  }
}
