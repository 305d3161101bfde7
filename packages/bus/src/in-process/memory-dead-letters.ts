import {
  DEAD_LETTER_LIMITS,
  type DeadLetter,
  type DeadLetterHead,
  type DeadLetterPage,
  type DeadLetters,
  pageLimit,
} from '../dead-letters.ts';

export interface MemoryLettersOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Appends the bytes of a letter again to where they came from; throws BusOverflow when that is full. */
  readonly append: (letter: DeadLetter) => void;
  /** The oldest made room. */
  readonly onDropped: (letters: number) => void;
}

/** Dead letters of one service in memory, oldest first. */
export class MemoryDeadLetters implements DeadLetters {
  readonly #options: MemoryLettersOptions;
  readonly #letters = new Map<string, DeadLetter>();
  #bytes = 0;
  #lastMs = 0;
  #seq = 0;

  constructor(options: MemoryLettersOptions) {
    this.#options = options;
  }

  get entries(): number {
    return this.#letters.size;
  }
  get bytes(): number {
    return this.#bytes;
  }

  keep(letter: Omit<DeadLetter, 'id' | 'at' | 'bytes'>): void {
    const id = this.#nextId();
    this.#letters.set(id, { ...letter, id, at: this.#lastMs, bytes: letter.entry.length });
    this.#bytes += letter.entry.length;
    let dropped = 0;
    const { maxEntries, maxBytes, onDropped } = this.#options;
    for (const oldest of this.#letters.keys()) {
      if (this.#letters.size <= maxEntries && this.#bytes <= maxBytes) break;
      this.#remove(oldest);
      dropped += 1;
    }
    if (dropped > 0) onDropped(dropped);
  }

  list(
    options: { readonly after?: string | undefined; readonly limit?: number | undefined } = {},
  ): Promise<DeadLetterPage> {
    const limit = pageLimit(options.limit);
    const letters: DeadLetterHead[] = [];
    let passed = 0;
    for (const letter of this.#letters.values()) {
      if (options.after !== undefined && !isAfter(letter.id, options.after)) continue;
      if (letters.length === limit || passed >= DEAD_LETTER_LIMITS.passedBytes)
        return Promise.resolve({ letters, next: letters.at(-1)?.id });
      letters.push(headOf(letter));
      passed += letter.bytes;
    }
    return Promise.resolve({ letters, next: undefined });
  }

  show(id: string): Promise<DeadLetter | undefined> {
    const letter = this.#letters.get(id);
    return Promise.resolve(letter && { ...letter, entry: Uint8Array.from(letter.entry) });
  }

  // Async, so that what the stream throws is a rejection.
  async replay(id: string): Promise<boolean> {
    const letter = this.#letters.get(id);
    if (letter === undefined) return false;
    this.#options.append(letter);
    return this.#remove(id);
  }

  drop(id: string): Promise<boolean> {
    return Promise.resolve(this.#remove(id));
  }

  dropUntil(at: number, limit?: number): Promise<number> {
    const oldest = [...this.#letters.values()].slice(0, pageLimit(limit)).filter((letter) => letter.at <= at);
    for (const { id } of oldest) this.#remove(id);
    return Promise.resolve(oldest.length);
  }

  #remove(id: string): boolean {
    this.#bytes -= this.#letters.get(id)?.entry.length ?? 0;
    return this.#letters.delete(id);
  }

  /** Ids are times of day, as the Redis link's are: people read them. */
  #nextId(): string {
    const ms = Math.max(this.#lastMs, Date.now());
    this.#seq = ms === this.#lastMs ? this.#seq + 1 : 0;
    this.#lastMs = ms;
    return `${ms}-${this.#seq}`;
  }
}

function headOf(letter: DeadLetter): DeadLetterHead {
  const { entry: _entry, ...head } = letter;
  return head;
}

/** Whether an id stands behind another one; behind anything that is not an id. */
function isAfter(id: string, other: string): boolean {
  const [ms = 0, seq = 0] = id.split('-').map(Number);
  const [otherMs = 0, otherSeq = 0] = other.split('-').map(Number);
  return !(ms < otherMs || (ms === otherMs && seq <= otherSeq));
}
