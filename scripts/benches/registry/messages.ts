/** What a process of readers is told: one kind of read, so often, for so long. */
export interface ReadOrder {
  readonly url: string;
  readonly read: 'head' | 'version';
  /** Requests a second, answered or not; without it as fast as `connections` are answered. */
  readonly rate?: number;
  readonly ms: number;
  /** Of the reads, from 0 to 1: those that know the newest tag already. */
  readonly knownShare: number;
  /** Versions there are to read. */
  readonly versions: number;
  readonly connections: number;
}

export interface ReadReport {
  /** Answers by status; 0 is none. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly answered: number;
  /** Answers whose body was not what was asked for. */
  readonly wrong: number;
  /** Due while too many waited: never sent. */
  readonly dropped: number;
  readonly elapsedMs: number;
  /** Counts of a LatencyHistogram, of right answers; from when a request was due. */
  readonly latencies: readonly number[];
}

export type ReaderMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'read'; readonly report: ReadReport }
  | { readonly type: 'read'; readonly error: string };

/** So many more listeners, or what they have heard. */
export type ListenOrder = { readonly listen: number; readonly url: string } | { readonly report: true };

/** When events came, in ms since the epoch with fractions: one list a version, one time a client. */
export type ListenerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'listening'; readonly clients: number }
  | {
      readonly type: 'heard';
      readonly times: Readonly<Record<string, readonly number[]>>;
      readonly lags: number;
      readonly ended: number;
    };
