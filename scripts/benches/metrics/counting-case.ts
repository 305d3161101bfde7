/** One way to count, as a process of its own times it. */
export interface CountingCase {
  readonly name: string;
  /** Of one run: enough for 100 ms, for a thread's CPU time is known to some ms. */
  readonly operations: number;
  readonly make: () => Counting;
}

export interface Counting {
  readonly once: (value: number) => void;
  /** How often it was counted, by what counted. */
  readonly counted: () => number | Promise<number>;
}

/** What a case process has found. */
export interface CountingReport {
  readonly type: 'measured';
  /** Of each run: ns per operation, the empty loop over the same values taken away. */
  readonly nanos: readonly number[];
  /** Of each run: ns per turn of that loop. */
  readonly floors: readonly number[];
}
