import { nameHash } from '../order.ts';
import type { RedisEndpoint } from './redis-endpoint.ts';

/** Shards a link may have (count): each one in use is a writer and its readers in every process. */
export const SHARDS_MAX = 64;
/** Shards of a cluster unless told otherwise (count): enough to spread over a few nodes, few enough to connect to. */
const CLUSTER_SHARDS = 8;

/** Shards where none are given: one server gains nothing from more than one. */
export const defaultShards = (kind: RedisEndpoint['kind']): number => (kind === 'cluster' ? CLUSTER_SHARDS : 1);

/**
 * Which shard a service, a topic or an inbox stands on. By the hash of its name, or by a table: what is hot is moved by
 * naming it there, and nothing else moves with it. Every process of a deployment must be given the same.
 */
export class RedisPlacement {
  readonly shards: number;
  readonly #table: ReadonlyMap<string, number>;

  /** Throws when the number of shards is not from 1 to 64, or the table names a shard that is not there. */
  constructor(shards: number, table: Readonly<Record<string, number>> = {}) {
    if (!Number.isInteger(shards) || shards < 1 || shards > SHARDS_MAX) {
      throw new Error(`shards must be from 1 to ${SHARDS_MAX}, not ${shards}`);
    }
    for (const [name, shard] of Object.entries(table)) {
      if (!Number.isInteger(shard) || shard < 0 || shard >= shards) {
        throw new Error(`${name} is placed on shard ${shard}, but the shards are 0 to ${shards - 1}`);
      }
    }
    this.shards = shards;
    this.#table = new Map(Object.entries(table));
  }

  shardOf(name: string): number {
    if (this.shards === 1) return 0;
    return this.#table.get(name) ?? nameHash(name) % this.shards;
  }
}
