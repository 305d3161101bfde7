/** What is asserted, and what is hoped for, in ns a request. */
export const COUNTERS_NS = Object.freeze({ bound: 50, goal: 10 });
/** A lookup that hits, in ns: 100,000 addresses known, the address held by the connection. */
export const LOOKUP_NS = Object.freeze({ bound: 200, goal: 50 });

/** The rate of the budget, and the share of a core the counters may take at it. */
const REQUESTS_PER_SECOND = 100_000;
export const CORE_PERCENT_MAX = 0.5;
const NANOS_PER_SECOND = 1e9;
const PERCENT = 100;

/** Share of a core that so many ns a request come to at 100,000 requests a second, in percent. */
export const corePercent = (nanos: number): number => ((nanos * REQUESTS_PER_SECOND) / NANOS_PER_SECOND) * PERCENT;

export interface Costs {
  readonly counters: number;
  readonly lookup: number;
  /** The counters made too dear on purpose. */
  readonly seeded: number;
}

/** What breaks the budget; nothing when it is kept, and the seeded violation was found. Pure. */
export function violations({ counters, lookup, seeded }: Costs): readonly string[] {
  const found: string[] = [];
  if (!(counters <= COUNTERS_NS.bound))
    found.push(`the counters cost ${counters} ns a request, more than ${COUNTERS_NS.bound}`);
  if (!(lookup <= LOOKUP_NS.bound)) found.push(`a lookup that hits costs ${lookup} ns, more than ${LOOKUP_NS.bound}`);
  if (!(seeded > COUNTERS_NS.bound))
    found.push(`the bound does not bite: a labelled counter of prom-client costs ${seeded} ns, which would pass`);
  return found;
}
