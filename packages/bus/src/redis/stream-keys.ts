import type { Lane, OrderedLane } from '../link.ts';
import { partitionOf } from '../order.ts';

/** Hash tag of a shard, without its braces. */
export const shardTag = (shard: number): string => `b${shard}`;

/**
 * The only place where keys are spelled. Every key of a shard carries the shard's hash tag, so that a script may touch
 * several of them on a cluster: `bus:{b0}:<kind>:<name…>`.
 *
 * | kind | type | what |
 * |---|---|---|
 * | `rq` | stream | requests of a service, by lane |
 * | `in` | stream | inbox of one bus instance, under a lease |
 * | `ev` | stream | work events of a topic |
 * | `hi` | stream | hints of a topic |
 * | `dl` | stream | dead letters of a service |
 * | `ad` | hash | what admission counts for the stream of that name |
 * | `lv` | zset | live instances of a service (or of a work group), scored by the end of their presence, in ms of Redis's clock |
 * | `rs` | string | restarting mark of a service |
 * | `dd` | string | claim: a request of a service was started; by caller and call, for its remaining time |
 * | `ls` | string | lease: who reclaims the stream of that name; a hash for what is ordered: who holds each partition |
 * | `nt` | hash | notes on pending entries of a group, by entry id |
 * | `qt` | hash | share of each consumer in what a group may hold pending |
 */
export class StreamKeys {
  readonly #prefix: string;

  /**
   * @param namespace first part of every key; `bus` unless several deployments share one Redis.
   * @param shard number of the bus shard; one shard stands on one Redis slot.
   */
  constructor(namespace = 'bus', shard = 0) {
    this.#prefix = `${namespace}:{${shardTag(shard)}}:`;
  }

  /** Glob of every key of this namespace and shard, for cleaning up. */
  get everything(): string {
    return `${this.#prefix}*`;
  }

  /** What is ordered has a presence of its own, and one hash of holders for all its partitions on this shard. */
  request(service: string, lane: Lane): StreamKeySet {
    const name = `rq:${service}:${lane}`;
    return partitionOf(lane) < 0
      ? this.#set(name, service, name)
      : this.#set(name, `${service}:ordered`, `rq:${service}:ordered`);
  }

  work(topic: string, group: string, lane?: OrderedLane): StreamKeySet {
    if (lane !== undefined) {
      const shared = `ev:${topic}:ordered:${group}`;
      return this.#set(`ev:${topic}:${lane}`, shared, shared);
    }
    return this.#set(`ev:${topic}`, `ev:${topic}:${group}`, `ev:${topic}:${group}`);
  }

  inbox(instance: string): CountedStream {
    return this.#counted(`in:${instance}`);
  }

  hints(topic: string): CountedStream {
    return this.#counted(`hi:${topic}`);
  }

  deadLetters(service: string): CountedStream {
    return this.#counted(`dl:${service}`);
  }

  restarting(service: string): string {
    return `${this.#prefix}rs:${service}`;
  }

  /** Of one request to a service, named by its caller's inbox and the caller's number of the call. */
  claim(service: string, id: string): string {
    return `${this.#prefix}dd:${service}:${id}`;
  }

  #counted(name: string): CountedStream {
    return { stream: this.#prefix + name, counters: `${this.#prefix}ad:${name}` };
  }

  #set(stream: string, presence: string, lease: string): StreamKeySet {
    return {
      ...this.#counted(stream),
      live: `${this.#prefix}lv:${presence}`,
      lease: `${this.#prefix}ls:${lease}`,
      notes: `${this.#prefix}nt:${lease}`,
      shares: `${this.#prefix}qt:${lease}`,
    };
  }
}

/** A stream and the hash in which its bytes (and frames, and numbers) are counted. */
export interface CountedStream {
  readonly stream: string;
  readonly counters: string;
}

/** A stream read by a group, with the group's presence, its reclaim lease, its notes, and its shares of the pending bound. */
export interface StreamKeySet extends CountedStream {
  readonly live: string;
  readonly lease: string;
  readonly notes: string;
  readonly shares: string;
}
