import { LINK_BOUNDS } from '../bus-limits.ts';
import type { HintFollower } from '../link.ts';

/** Hints handed to one follower in one turn, so that a long backlog does not hold the loop. */
const HINTS_PER_TURN = 256;

interface Hint {
  readonly sequence: number;
  readonly entry: Uint8Array;
}

/** One hint topic in memory: numbered, capped, read by every follower at its own pace. */
export class MemoryHints {
  readonly #followers = new Set<{ wake(): void }>();
  readonly #hints: Hint[] = [];
  readonly #onTrimmed: (hints: number) => void;
  #bytes = 0;
  #sequence = 0;

  constructor(onTrimmed: (hints: number) => void) {
    this.#onTrimmed = onTrimmed;
  }

  publish(entry: Uint8Array): void {
    this.#sequence += 1;
    this.#hints.push({ sequence: this.#sequence, entry });
    this.#bytes += entry.length;
    let trimmed = 0;
    while (this.#hints.length > LINK_BOUNDS.hintEntries || this.#bytes > LINK_BOUNDS.hintBytes) {
      this.#bytes -= this.#hints.shift()?.entry.length ?? 0;
      trimmed += 1;
    }
    if (trimmed > 0) this.#onTrimmed(trimmed);
    for (const follower of this.#followers) follower.wake();
  }

  follow(onEntry: (sequence: number, entry: Uint8Array) => void): HintFollower {
    const after = this.#sequence;
    let seen = after;
    let scheduled = false;
    const follower = {
      wake: (): void => {
        if (scheduled) return;
        scheduled = true;
        setImmediate(read);
      },
    };
    const read = (): void => {
      scheduled = false;
      if (!this.#followers.has(follower)) return;
      const first = this.#hints[0]?.sequence ?? this.#sequence + 1;
      const from = Math.max(0, seen + 1 - first);
      for (const hint of this.#hints.slice(from, from + HINTS_PER_TURN)) {
        seen = hint.sequence;
        onEntry(hint.sequence, hint.entry);
      }
      if (seen < this.#sequence) follower.wake();
    };
    this.#followers.add(follower);
    return {
      after,
      stop: () => {
        this.#followers.delete(follower);
        return Promise.resolve();
      },
    };
  }
}
