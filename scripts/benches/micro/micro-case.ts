/** One operation, as a process of its own times it. */
export interface MicroCase {
  readonly name: string;
  /** What is measured, where the name does not say it. */
  readonly what?: string;
  /** Operations of one batch. */
  readonly operations: number;
  /** Batches of one run: its time is that of their median. One, unless something bounds what can be done at once. */
  readonly batches?: number;
  /**
   * `cpu`: time of this thread's CPU, which others on the machine do not lengthen; the kernel knows it to some ms, so a batch is
   * to take 100. `wall`: for batches that are shorter than others are let in between, and for what waits for a disk.
   */
  readonly clock: 'cpu' | 'wall';
  /** Makes what the runs use. */
  readonly prepare: (operations: number) => Prepared | Promise<Prepared>;
}

export interface Prepared {
  /** Before each batch, not timed. */
  readonly fresh?: () => void | Promise<void>;
  /** Does the operation as often as a batch has them. */
  readonly work: () => void | Promise<void>;
  /** The same loop over the same inputs without the operation. */
  readonly floor: () => void;
  /** After all runs: throws when the operations did not do what they are measured for. */
  readonly check: () => void | Promise<void>;
  readonly dispose?: () => PromiseLike<void>;
}

export interface MicroReport {
  readonly type: 'measured';
  /** Of each run: ns per operation, the floor taken away. */
  readonly nanos: readonly number[];
  /** Of each run: ns per turn of the empty loop. */
  readonly floors: readonly number[];
  /** Of one run. */
  readonly operations: number;
}

/** Throws unless a counter says what was done. */
export function expectCount(what: string, counted: number, done: number): void {
  if (counted !== done) throw new Error(`${what}: ${counted} counted, ${done} done`);
}

/** Where loops leave what they added up, so that none of it can be left out. */
const kept = new Float64Array(1);

export function keep(sum: number): void {
  kept[0] = (kept[0] ?? 0) + sum;
}
