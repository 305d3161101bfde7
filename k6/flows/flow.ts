import type { User } from './user.ts';

/**
 * What one kind of user does, over and over: no rates, no thresholds, no driver. `World` is what everybody of a run reads
 * and nobody changes; it is plain JSON, because k6 hands it from its setup to its users that way.
 */
export interface Flow<World = unknown> {
  readonly summary: string;
  /** Requests of one turn, to turn a rate of requests into one of turns. */
  readonly requestsPerTurn: number;
  /** Once before the load, by one user. */
  prepare(user: User): Promise<World>;
  /** Once round. Throws when it cannot go on; a wrong answer is a failed check. */
  turn(user: User, world: World): Promise<void>;
}
