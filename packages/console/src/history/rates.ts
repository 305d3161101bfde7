// Arithmetic on counters and histograms, as Prometheus does it.

/** A counter as it was read at one time. */
export interface CounterSample {
  /** Unix time in ms. */
  readonly at: number;
  readonly value: number;
  /** Start of the process that counts, in seconds of Unix time: another one means it began again at zero. */
  readonly startedAt: number | null;
}

export interface Increase {
  readonly count: number;
  /** Between the first and the last sample. */
  readonly seconds: number;
}

/** How much a counter grew over samples in order of time; undefined with fewer than two. */
export function increaseOf(samples: readonly CounterSample[]): Increase | undefined {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at <= first.at) return undefined;
  let count = 0;
  let before = first;
  for (const sample of samples.slice(1)) {
    const restarted = sample.startedAt !== before.startedAt || sample.value < before.value;
    count += restarted ? sample.value : sample.value - before.value;
    before = sample;
  }
  return { count, seconds: (last.at - first.at) / 1_000 };
}

/** Observations at or under an edge, and that edge. */
export interface Bucket {
  readonly edge: number;
  readonly count: number;
}

/**
 * The value that a share `q` of the observations is at or under, by linear interpolation inside its bucket. Beyond the
 * last finite edge it is that edge. Undefined without observations.
 */
export function quantileOf(q: number, buckets: readonly Bucket[]): number | undefined {
  const sorted = [...buckets].sort((a, b) => a.edge - b.edge);
  const total = sorted.at(-1)?.count ?? 0;
  if (!(total > 0)) return undefined;
  const rank = q * total;
  let below: Bucket = { edge: 0, count: 0 };
  for (const bucket of sorted) {
    if (bucket.count >= rank) {
      if (bucket.edge === Infinity || bucket.count === below.count) return below.edge;
      return below.edge + ((bucket.edge - below.edge) * (rank - below.count)) / (bucket.count - below.count);
    }
    below = bucket;
  }
  return below.edge;
}
