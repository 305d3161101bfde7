import type { Lane, OrderedLane } from '../link.ts';
import { type RedisArg, respHead, respPart, type Wire } from './redis-command.ts';
import type { RedisLinkBounds } from './redis-options.ts';
import type { RedisScript } from './redis-script.ts';
import { APPEND, APPEND_INBOX, PUBLISH_HINT } from './redis-scripts.ts';
import type { CountedStream, StreamKeys } from './stream-keys.ts';

/** Targets that are kept (count). Instances come and go: at the bound all are made anew. */
const KEPT_MAX = 4_096;
/** Up to this size (bytes) an entry is copied behind the head of its command: more pieces in the write cost more than that. */
const COPIED_BYTES = 48 * 1024;
/** Room for what stands between head and entry: `$`, two numbers and their line ends. */
const BETWEEN_BYTES = 64;
const END = '\r\n';

/** What is appended. */
export interface Appended {
  readonly entry: Buffer;
  /** Of a stream whose admission counts them. */
  readonly frames?: number;
}

/** The append to one stream: its script, keys and bounds, spelled once. What is appended makes it a command. */
export class RedisAppend {
  readonly script: RedisScript;
  readonly keys: readonly string[];
  readonly #bounds: readonly number[];
  readonly #head: Buffer;

  /** The script takes the bounds, the number of frames where it counts them, and the entry, in this order. */
  constructor(script: RedisScript, keys: readonly string[], bounds: readonly number[], countsFrames: boolean) {
    this.script = script;
    this.keys = keys;
    this.#bounds = bounds;
    const known = ['evalsha', script.sha, keys.length, ...keys, ...bounds];
    const parts = known.length + (countsFrames ? 2 : 1);
    this.#head = Buffer.from(respHead(parts) + known.map(respPart).join(''));
  }

  args({ entry, frames }: Appended): RedisArg[] {
    return frames === undefined ? [...this.#bounds, entry] : [...this.#bounds, frames, entry];
  }

  wire({ entry, frames }: Appended): Wire {
    return (connection) => {
      const between = `${frames === undefined ? '' : respPart(frames)}$${entry.length}\r\n`;
      if (entry.length > COPIED_BYTES) {
        connection.write(this.#head);
        connection.write(between);
        connection.write(entry);
        return END;
      }
      const wire = Buffer.allocUnsafe(this.#head.length + BETWEEN_BYTES + entry.length);
      let at = this.#head.copy(wire);
      at += wire.write(between, at, 'latin1');
      at += entry.copy(wire, at);
      at += wire.write(END, at, 'latin1');
      return wire.subarray(0, at);
    };
  }
}

/** The appends of one shard, one per target. */
export class RedisAppends {
  readonly #keys: StreamKeys;
  readonly #bounds: RedisLinkBounds;
  readonly #kept = new Map<string, RedisAppend>();

  constructor(keys: StreamKeys, bounds: RedisLinkBounds) {
    this.#keys = keys;
    this.#bounds = bounds;
  }

  request(service: string, lane: Lane): RedisAppend {
    return this.#of(`request ${service} ${lane}`, () => {
      const { stream, counters, live } = this.#keys.request(service, lane);
      // Looking at what waits costs a copy of it: too much for blobs, whose bytes are bound sooner.
      const waitMs = lane === 'fast' ? this.#bounds.requestWaitMs : 0;
      return this.#append([stream, counters, live, this.#keys.restarting(service)], waitMs);
    });
  }

  work(topic: string, lane?: OrderedLane): RedisAppend {
    return this.#of(`work ${topic} ${lane ?? ''}`, () => {
      const { stream, counters } = this.#keys.work(topic, '', lane);
      return this.#append([stream, counters], 0);
    });
  }

  inbox(instance: string): RedisAppend {
    return this.#of(`inbox ${instance}`, () => {
      const { inboxEntries, inboxBytes } = this.#bounds;
      return new RedisAppend(APPEND_INBOX, keysOf(this.#keys.inbox(instance)), [inboxEntries, inboxBytes], false);
    });
  }

  hints(topic: string): RedisAppend {
    return this.#of(`hints ${topic}`, () => {
      const { hintEntries, hintBytes } = this.#bounds;
      return new RedisAppend(PUBLISH_HINT, keysOf(this.#keys.hints(topic)), [hintEntries, hintBytes], false);
    });
  }

  #append(keys: readonly string[], waitMs: number): RedisAppend {
    const { streamFrames, streamBytes, requestFramesAnyway } = this.#bounds;
    return new RedisAppend(APPEND, keys, [streamFrames, streamBytes, waitMs, requestFramesAnyway], true);
  }

  #of(target: string, make: () => RedisAppend): RedisAppend {
    let append = this.#kept.get(target);
    if (append === undefined) {
      if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
      append = make();
      this.#kept.set(target, append);
    }
    return append;
  }
}

const keysOf = ({ stream, counters }: CountedStream): readonly string[] => [stream, counters];
