import { TokenBucket, type TokenRate } from '../claims/token-bucket.ts';

/**
 * A bucket for each peer with a connection. One that left keeps its bucket until it is full again: who reconnects does not
 * get another burst, and a full bucket is no different from a new one.
 */
export class ConnectionBuckets {
  readonly #rate: TokenRate;
  readonly #now: () => number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(rate: TokenRate, now: () => number) {
    this.#rate = rate;
    this.#now = now;
  }

  of(peer: string): TokenBucket {
    let bucket = this.#buckets.get(peer);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#rate, this.#now());
      this.#buckets.set(peer, bucket);
    }
    return bucket;
  }

  /** Forgets the buckets of peers that are gone. */
  forget(connected: (peer: string) => boolean): void {
    const now = this.#now();
    for (const [peer, bucket] of this.#buckets) {
      if (!connected(peer) && bucket.holds(now, this.#rate.burst)) this.#buckets.delete(peer);
    }
  }
}
