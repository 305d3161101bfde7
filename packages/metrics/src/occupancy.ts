/** What a bounded thing is: places that are held, work that waits in line, or code that runs. */
export type OccupancyKind = 'semaphore' | 'queue' | 'handler';

/** How full one bounded thing is now, and since when. */
export interface Occupancy {
  readonly kind: OccupancyKind;
  /** The same at every reading, for example `client calls` or `GET /o/{id}`. Never an id. */
  readonly name: string;
  /** Places taken, entries in line, or runs under way. */
  readonly held: number;
  /** Undefined where another bound keeps it small. */
  readonly bound?: number | undefined;
  /** What `held` and `bound` count, when not things. */
  readonly unit?: 'bytes' | undefined;
  /** How many wait for a place. */
  readonly waiting?: number | undefined;
  /** Age in ms of what has been held, or been in line, longest. */
  readonly oldestMs?: number | undefined;
  /** Age in ms of who has waited longest. */
  readonly oldestWaitingMs?: number | undefined;
}

/** Reads some bounded things; called when somebody asks, never on the way of a request. */
export type OccupancyReader = () => readonly Occupancy[];

/** The bounded things of one service. */
export interface ServiceOccupancy extends Occupancy {
  readonly service: string;
}
