type Pieces = AsyncGenerator<Uint8Array, void, undefined>;

/**
 * A read whose first piece was fetched and verified before anything was promised: damage that shows there is an error
 * with a status, not a stream that breaks. `onEnd` runs once, however the stream ends, even if it was never read.
 */
export class VerifiedStream implements AsyncIterableIterator<Uint8Array, void, undefined> {
  readonly #pieces: Pieces;
  readonly #onEnd: () => void;
  #first: Uint8Array | undefined;
  #ended = false;

  private constructor(first: Uint8Array | undefined, pieces: Pieces, onEnd: () => void) {
    this.#first = first;
    this.#pieces = pieces;
    this.#onEnd = onEnd;
  }

  /** @throws what the first piece throws, after `onEnd` */
  static async open(pieces: Pieces, onEnd: () => void): Promise<VerifiedStream> {
    try {
      const { value } = await pieces.next();
      return new VerifiedStream(value ?? undefined, pieces, onEnd);
    } catch (error) {
      onEnd();
      throw error;
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, void>> {
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      return { done: false, value: first };
    }
    if (this.#ended) return { done: true, value: undefined };
    try {
      const result = await this.#pieces.next();
      if (result.done === true) this.#end();
      return result;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, void>> {
    this.#first = undefined;
    try {
      await this.#pieces.return();
    } finally {
      this.#end();
    }
    return { done: true, value: undefined };
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
  }
}
