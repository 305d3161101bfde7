import type { DeadLetter, DeadLetterPage, DeadLetters } from '../dead-letters.ts';
import { pageLimit } from '../dead-letters.ts';

/** One shard's dead letters of a service, for when there are several. */
export type LettersOfShard = (shard: number) => Promise<DeadLetters>;

/**
 * The dead letters of one service over all shards: those of its requests stand on its own, those of work on that of its
 * topic. Where there are several, an id says which (`<shard>:<id>`). A page ends where a shard does, so letters are
 * oldest first within a shard only.
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
    const start = options.after === undefined ? { shard: 0, id: undefined } : this.#split(options.after);
    if (start === undefined) return { letters: [], next: undefined };
    for (let { shard, id: after } = start; shard < this.#shards; shard += 1, after = undefined) {
      const { letters, next } = await (await this.#of(shard)).list({ after, limit: options.limit });
      const here = letters.map((letter) => ({ ...letter, id: this.#join(shard, letter.id) }));
      const last = here.at(-1);
      if (last === undefined) continue;
      const more = next !== undefined || (await this.#anyBehind(shard));
      return { letters: here, next: more ? last.id : undefined };
    }
    return { letters: [], next: undefined };
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

  async #anyBehind(shard: number): Promise<boolean> {
    for (let later = shard + 1; later < this.#shards; later += 1) {
      if ((await (await this.#of(later)).list({ limit: 1 })).letters.length > 0) return true;
    }
    return false;
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
