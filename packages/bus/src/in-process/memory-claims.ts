import type { Clock } from '../clock.ts';
import { BusOverflow } from '../errors.ts';

/** Claims held at once (count): a claim is some 100 bytes, so the map stays below 10 MB. */
const CLAIMS_MAX = 65_536;

/** Ids that were claimed, each until its window ends. Full, it refuses: an id that is forgotten early could run twice. */
export class MemoryClaims {
  readonly #clock: Clock;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True for each id that was not claimed before. Throws `BusOverflow('handler')` at the bound, and claims nothing. */
  claim(ids: readonly string[], ttlMs: number): readonly boolean[] {
    const now = this.#clock.now();
    if (this.#until.size + ids.length > CLAIMS_MAX) this.#sweep(now);
    if (this.#until.size + ids.length > CLAIMS_MAX) throw new BusOverflow('handler');
    return ids.map((id) => {
      if ((this.#until.get(id) ?? 0) > now) return false;
      this.#until.set(id, now + ttlMs);
      return true;
    });
  }

  #sweep(now: number): void {
    for (const [id, until] of this.#until) if (until <= now) this.#until.delete(id);
  }
}
