import type { DeadLetter, DeadLetterHead, DeadLetterPage, DeadLetters } from '../dead-letters.ts';
import { pageLimit } from '../dead-letters.ts';

interface Placed {
  readonly shard: number;
  readonly head: DeadLetterHead;
}

const numbersOf = (id: string): bigint[] => id.split('-').map((part) => (/^\d+$/.test(part) ? BigInt(part) : 0n));

/** By the time of the id, then by its number, then by shard. */
function byAge(a: Placed, b: Placed): number {
  const [ms = 0n, seq = 0n] = numbersOf(a.head.id);
  const [otherMs = 0n, otherSeq = 0n] = numbersOf(b.head.id);
  return Number(ms - otherMs) || Number(seq - otherSeq) || a.shard - b.shard;
}

/** The id right before another one. */
function idBefore(id: string): string {
  const [ms = 0n, seq = 0n] = numbersOf(id);
  return seq > 0n ? `${ms}-${seq - 1n}` : `${ms > 0n ? ms - 1n : 0n}-18446744073709551615`;
}

/** One shard's dead letters of a service, for when there are several. */
export type LettersOfShard = (shard: number) => Promise<DeadLetters>;

/**
 * The dead letters of one service over all shards: those of its requests stand on its own, those of work on that of its
 * topic. Where there are several, an id says which (`<shard>:<id>`), and pages are in one order over all of them.
 */
export class ShardedDeadLetters implements DeadLetters {
  readonly #shards: number;
  readonly #of: LettersOfShard;

  constructor(shards: number, of: LettersOfShard) {
    this.#shards = shards;
    this.#of = of;
  }

  async list(
    options: { readonly after?: string | undefined; readonly limit?: number | undefined } = {},
  ): Promise<DeadLetterPage> {
    const limit = pageLimit(options.limit);
    const after = options.after === undefined ? undefined : this.#split(options.after);
    if (options.after !== undefined && after === undefined) return { letters: [], next: undefined };
    const shards = Array.from({ length: this.#shards }, (_, shard) => shard);
    const pages = await Promise.all(shards.map((shard) => this.#page(shard, after, limit)));
    const found = pages.flatMap(({ letters }) => letters).sort(byAge);
    // A shard whose page ended early may hold letters older than those that others have behind its last one.
    const ends = pages.flatMap(({ ended, letters }) => (ended ? [] : letters.slice(-1)));
    const certain = found.filter((each) => ends.every((end) => byAge(each, end) <= 0)).slice(0, limit);
    const letters = certain.map(({ shard, head }) => ({ ...head, id: this.#join(shard, head.id) }));
    const more = certain.length < found.length || ends.length > 0;
    return { letters, next: more ? letters.at(-1)?.id : undefined };
  }

  async show(id: string): Promise<DeadLetter | undefined> {
    const at = this.#split(id);
    const letter = at === undefined ? undefined : await (await this.#of(at.shard)).show(at.id);
    return letter === undefined ? undefined : { ...letter, id };
  }

  async replay(id: string): Promise<boolean> {
    const at = this.#split(id);
    return at !== undefined && (await this.#of(at.shard)).replay(at.id);
  }

  async drop(id: string): Promise<boolean> {
    const at = this.#split(id);
    return at !== undefined && (await this.#of(at.shard)).drop(at.id);
  }

  async dropUntil(at: number, limit?: number): Promise<number> {
    let left = pageLimit(limit);
    let dropped = 0;
    for (let shard = 0; shard < this.#shards && left > 0; shard += 1) {
      const here = await (await this.#of(shard)).dropUntil(at, left);
      dropped += here;
      left -= here;
    }
    return dropped;
  }

  async #page(
    shard: number,
    after: { readonly shard: number; readonly id: string } | undefined,
    limit: number,
  ): Promise<{ readonly letters: readonly Placed[]; readonly ended: boolean }> {
    // Of two letters with one id, the one on the later shard comes second: there it is still to be listed.
    const behind = after === undefined || shard <= after.shard ? after?.id : idBefore(after.id);
    const { letters, next } = await (await this.#of(shard)).list({ after: behind, limit });
    return { letters: letters.map((head) => ({ shard, head })), ended: next === undefined };
  }

  #join(shard: number, id: string): string {
    return this.#shards === 1 ? id : `${shard}:${id}`;
  }

  #split(id: string): { readonly shard: number; readonly id: string } | undefined {
    if (this.#shards === 1) return { shard: 0, id };
    const [shard = '', own = ''] = id.split(':', 2);
    if (!/^\d{1,2}$/.test(shard) || Number(shard) >= this.#shards) return undefined;
    return { shard: Number(shard), id: own };
  }
}
