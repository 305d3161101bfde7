import { LINK_BOUNDS } from '../bus-limits.ts';
import { BusOverflow } from '../errors.ts';
import type { ConsumeOptions, Consumer, StreamBounds } from '../link.ts';
import { type GroupOptions, MemoryGroup, type Stored } from './memory-group.ts';

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 5_000;
const RATE_WINDOW_MS = 1_000;

export interface StreamOptions extends GroupOptions {
  readonly bounds: StreamBounds;
  /** The longest that what nobody was given should wait now, in ms; 0 for any. */
  readonly waitMs?: (() => number) | undefined;
}

/** A stream in memory: ids of the form `ms-seq`, groups, pending entries, and bounds checked with the append. */
export class MemoryStream {
  readonly #options: StreamOptions;
  readonly #stored = new Map<string, Stored>();
  readonly #groups = new Map<string, MemoryGroup>();
  #frames = 0;
  #bytes = 0;
  #lastMs = 0;
  #seq = 0;
  #windowStart = 0;
  #windowSettled = 0;
  #drainPerSecond = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  get entries(): number {
    return this.#stored.size;
  }
  get frames(): number {
    return this.#frames;
  }
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends for every group, or for one; or throws BusOverflow with the time after which the depth should have drained. */
  append(entry: Uint8Array, frames: number, group?: string): void {
    const { maxFrames, maxBytes } = this.#options.bounds;
    const held = this.#frames + frames;
    if (held > maxFrames || this.#bytes + entry.length > maxBytes || this.#waitsTooLong(held)) {
      throw new BusOverflow('stream', this.#retryAfterMs());
    }
    const at = this.#options.clock.now();
    const groups = group === undefined ? [...this.#groups.values()] : [this.#group(group)];
    const stored: Stored = { id: this.#nextId(at), entry, frames, at, group, open: groups.length };
    this.#stored.set(stored.id, stored);
    this.#frames += frames;
    this.#bytes += entry.length;
    for (const each of groups) each.offer(stored);
  }

  /** Joins a group; a new group begins with everything the stream still holds. */
  consume(group: string, instance: string, options: ConsumeOptions, onStop: () => void): Consumer {
    return this.#group(group).join(instance, options, onStop);
  }

  pendingOf(): { entries: number; oldestMs: number } {
    const readings = [...this.#groups.values()].map((group) => group.pending());
    return {
      entries: readings.reduce((sum, reading) => sum + reading.entries, 0),
      oldestMs: readings.reduce((oldest, reading) => Math.max(oldest, reading.oldestMs), 0),
    };
  }

  /** What no consumer has been given yet: the most of any group. */
  lag(): { entries: number; oldestMs: number } {
    const readings = [...this.#groups.values()].map((group) => group.lag());
    return {
      entries: readings.reduce((most, reading) => Math.max(most, reading.entries), 0),
      oldestMs: readings.reduce((oldest, reading) => Math.max(oldest, reading.oldestMs), 0),
    };
  }

  close(): void {
    for (const group of this.#groups.values()) group.close();
  }

  #group(name: string): MemoryGroup {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new MemoryGroup(name, this.#options, (stored) => this.#settle(stored));
      this.#groups.set(name, group);
      for (const stored of this.#stored.values()) {
        if (stored.group !== undefined) continue;
        stored.open += 1;
        group.offer(stored);
      }
    }
    return group;
  }

  #settle(stored: Stored): void {
    stored.open -= 1;
    if (stored.open > 0 || !this.#stored.delete(stored.id)) return;
    this.#frames -= stored.frames;
    this.#bytes -= stored.entry.length;
    this.#countSettled(stored.frames);
  }

  #waitsTooLong(frames: number): boolean {
    if (frames <= LINK_BOUNDS.requestFramesAnyway) return false;
    const waitMs = this.#options.waitMs?.() ?? 0;
    return waitMs > 0 && this.lag().oldestMs > waitMs;
  }

  #nextId(at: number): string {
    const ms = Math.max(this.#lastMs, Math.floor(at));
    this.#seq = ms === this.#lastMs ? this.#seq + 1 : 0;
    this.#lastMs = ms;
    return `${ms}-${this.#seq}`;
  }

  #countSettled(frames: number): void {
    const now = this.#options.clock.now();
    if (now - this.#windowStart >= RATE_WINDOW_MS) {
      this.#drainPerSecond = (this.#windowSettled * 1_000) / (now - this.#windowStart);
      this.#windowStart = now;
      this.#windowSettled = 0;
    }
    this.#windowSettled += frames;
  }

  #retryAfterMs(): number {
    const rate = Math.max(this.#drainPerSecond, this.#windowSettled, 1);
    const jitter = 0.75 + Math.random() / 2;
    return Math.round(Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, ((this.#frames * 1_000) / rate) * jitter)));
  }
}
