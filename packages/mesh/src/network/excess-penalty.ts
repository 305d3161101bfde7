/** Envelopes over the rate that are forgiven (count): a burst of relayed claims is no fault of the relay. */
const FORGIVEN = 50;
/** What is held against a peer at most: so that it is heard again some ten seconds after it has stopped. */
const HELD_MAX = 1_000;
/**
 * What is left of it each second: slow enough that some 35 a second too many add up to gossipsub's 80 beyond what is forgiven.
 * A thread that shares its core with others sees no more than that of a flood, however fast it is sent.
 */
const DECAY = 0.8;

/**
 * Holds against a peer what it sent over its rate, as a score for gossipsub: below a threshold gossipsub drops what comes
 * from it unread, which costs a hundredth of looking at it. A fifth is forgiven each second.
 */
export class ExcessPenalty {
  readonly #excess = new Map<string, number>();

  /** An envelope of the peer was over its rate. */
  add(peer: string): void {
    this.#excess.set(peer, Math.min(HELD_MAX, (this.#excess.get(peer) ?? 0) + 1));
  }

  /** 0, or below it for a peer that goes on sending too much. */
  scoreOf(peer: string): number {
    return Math.min(0, FORGIVEN - (this.#excess.get(peer) ?? 0));
  }

  /** To be called once a second. */
  decay(): void {
    for (const [peer, excess] of this.#excess) {
      if (excess < 1) this.#excess.delete(peer);
      else this.#excess.set(peer, excess * DECAY);
    }
  }
}
