const MICROS_PER_SECOND = 1_000_000;

/** CPU microseconds a request takes of each kind of process. */
export type RequestCost = Readonly<Record<string, number>>;

export interface Capacity {
  /** Requests a second. */
  readonly rate: number;
  /** What is full first: a process that has one core to itself, or every core of the machine. */
  readonly limit: string;
}

/**
 * How many requests a second so many cores bear, with one process of each kind and `replicas` of some: a process turns on
 * one core, and all of them share the machine. Cores are taken for equal, and the network for free.
 */
export function capacityOf(
  cost: RequestCost,
  cores: number,
  replicas: Readonly<Record<string, number>> = {},
): Capacity {
  const total = Object.values(cost).reduce((sum, micros) => sum + micros, 0);
  const limits: Capacity[] = [{ rate: (cores * MICROS_PER_SECOND) / total, limit: `${cores} cores` }];
  for (const [name, micros] of Object.entries(cost))
    if (micros > 0) limits.push({ rate: ((replicas[name] ?? 1) * MICROS_PER_SECOND) / micros, limit: name });
  return limits.reduce((least, one) => (one.rate < least.rate ? one : least));
}

/** The process that is full first when there are cores enough. */
export const bottleneckOf = (cost: RequestCost): string => capacityOf(cost, Number.MAX_SAFE_INTEGER).limit;
