import { CONSOLE_LIMITS } from './limits.ts';
import { type Bucket, type CounterSample, increaseOf, quantileOf } from './rates.ts';
import { keyOf, type Reading } from './reading.ts';
import type { ConsoleState, Instance, ServiceValues } from './state.ts';

/** Rates are over this, in ms: several looks, so that one late answer makes no spike. */
const RATE_WINDOW_MS = 10_000;
/** Quantiles need more observations than rates, in ms. */
const QUANTILE_WINDOW_MS = 60_000;

/** Which values of the kept label count; all by default. */
export type Pick = (label: string) => boolean;

const everything: Pick = () => true;

/** The sum of what is picked; undefined when the reading is not there. */
function sumIn({ values }: ServiceValues, key: string, pick: Pick): number | undefined {
  const byLabel = values[key];
  if (byLabel === undefined) return undefined;
  return Object.entries(byLabel).reduce((sum, [label, value]) => (pick(label) ? sum + value : sum), 0);
}

function sumOf(instance: Instance, key: string, pick: Pick): number | undefined {
  const sums = instance.services.flatMap((service) => sumIn(service, key, pick) ?? []);
  return sums.length === 0 ? undefined : sums.reduce((a, b) => a + b);
}

/** What the states of a window say about readings, as of the last of them. */
export class Readings {
  readonly #states: readonly ConsoleState[];
  readonly #only: string | undefined;

  /** Of all instances, or of one. */
  constructor(states: readonly ConsoleState[], only?: string) {
    this.#states = states;
    this.#only = only;
  }

  of(instance: string): Readings {
    return new Readings(this.#states, instance);
  }

  /** When the last state was collected: Unix time in ms. */
  get at(): number {
    return this.#states.at(-1)?.at ?? 0;
  }

  /** Instances that answered last time. */
  get instances(): readonly Instance[] {
    return this.#answered(this.#states.at(-1));
  }

  /** A gauge now, added up over instances. */
  total(reading: Reading, pick: Pick = everything): number | undefined {
    const values = this.#now(reading, pick);
    return values.length === 0 ? undefined : values.reduce((a, b) => a + b);
  }

  /** The highest of a gauge now. */
  highest(reading: Reading, pick: Pick = everything): number | undefined {
    const values = this.#now(reading, pick);
    return values.length === 0 ? undefined : Math.max(...values);
  }

  /** A gauge of something that all instances of a service share and each of them shows: counted once per service. */
  shared(reading: Reading, pick: Pick = everything): number | undefined {
    const key = keyOf(reading);
    const highest = new Map<string, number>();
    for (const service of this.instances.flatMap(({ services }) => services)) {
      const value = sumIn(service, key, pick);
      if (value !== undefined) highest.set(service.service, Math.max(value, highest.get(service.service) ?? -Infinity));
    }
    return highest.size === 0 ? undefined : [...highest.values()].reduce((a, b) => a + b);
  }

  /** Growth of a counter per second; undefined before there are two looks at it. */
  rate(reading: Reading, pick: Pick = everything): number | undefined {
    const rates = this.#histories(RATE_WINDOW_MS).flatMap((history) => {
      const increase = increaseOf(this.#samples(history, keyOf(reading), pick));
      return increase === undefined ? [] : [increase.count / increase.seconds];
    });
    return rates.length === 0 ? undefined : rates.reduce((a, b) => a + b);
  }

  /** Growth of a counter since the page was opened, or over all it remembers. */
  growth(reading: Reading, pick: Pick = everything): number | undefined {
    const counts = this.#histories(CONSOLE_LIMITS.historyMs).flatMap(
      (history) => increaseOf(this.#samples(history, keyOf(reading), pick))?.count ?? [],
    );
    return counts.length === 0 ? undefined : counts.reduce((a, b) => a + b);
  }

  /** A quantile of what a histogram observed in the last minute, from the buckets of all instances together. */
  quantile(q: number, buckets: Reading): number | undefined {
    const counts = new Map<string, number>();
    const key = keyOf(buckets);
    for (const history of this.#histories(QUANTILE_WINDOW_MS)) {
      for (const edge of this.#labels(history.at(-1), key)) {
        const increase = increaseOf(this.#samples(history, key, (label) => label === edge));
        if (increase !== undefined) counts.set(edge, (counts.get(edge) ?? 0) + increase.count);
      }
    }
    const read = [...counts].map(([edge, count]): Bucket => ({
      edge: edge === '+Inf' ? Infinity : Number(edge),
      count,
    }));
    return quantileOf(q, read);
  }

  #now(reading: Reading, pick: Pick): readonly number[] {
    const key = keyOf(reading);
    return this.instances.flatMap((instance) => sumOf(instance, key, pick) ?? []);
  }

  #answered(state: ConsoleState | undefined): readonly Instance[] {
    const all = state?.instances ?? [];
    return all.filter(({ id, problem }) => problem === null && (this.#only === undefined || id === this.#only));
  }

  /** The answers of each instance that answered last time, inside a window that ends now. */
  #histories(windowMs: number): readonly (readonly Instance[])[] {
    const recent = this.#states.filter(({ at }) => at >= this.at - windowMs);
    return this.instances.map(({ id }) =>
      recent.flatMap((state) => this.#answered(state).filter((instance) => instance.id === id)),
    );
  }

  /** An instance that answered without a series has counted nothing yet. */
  #samples(history: readonly Instance[], key: string, pick: Pick): readonly CounterSample[] {
    return history.map((instance) => ({
      at: instance.at,
      value: sumOf(instance, key, pick) ?? 0,
      startedAt: instance.started_at,
    }));
  }

  #labels(instance: Instance | undefined, key: string): ReadonlySet<string> {
    return new Set((instance?.services ?? []).flatMap(({ values }) => Object.keys(values[key] ?? {})));
  }
}
