import type { OrderedLane } from './link.ts';

/** Partitions of an ordered lane unless told otherwise (count): instances beyond it share no further. */
export const DEFAULT_PARTITIONS = 8;
/** Partitions an ordered lane may have (count): its holder looks after each of them. */
export const PARTITIONS_MAX = 64;

/** FNV-1a over the UTF-16 units of a name, then mixed: neighbours (`…:1`, `…:2`) must not fall on neighbours. */
export function nameHash(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export const orderedLane = (partition: number): OrderedLane => `ordered:${partition}`;

/** Where everything with this key goes. */
export const laneOfKey = (orderKey: string, partitions: number): OrderedLane =>
  orderedLane(nameHash(orderKey) % partitions);

/** The partition of a lane; -1 for a lane that is not ordered. */
export const partitionOf = (lane: string): number =>
  lane.startsWith('ordered:') ? Number(lane.slice('ordered:'.length)) : -1;
