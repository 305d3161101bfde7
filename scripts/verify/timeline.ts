// Which alerts fired when, as Prometheus says: asked for as long as the verification runs.
import { setTimeout as delay } from 'node:timers/promises';
import type { OwnPrometheus } from '../prometheus.ts';

const INTERVAL_MS = 500;
/** Of the windows of a budget only the fast one is followed: the others remember faults that are long mended. */
const FAST = '1h';

interface Firing {
  readonly name: string;
  readonly severity: string;
  readonly from: number;
  to: number | undefined;
}

/** Every time an alert fired, in milliseconds of `performance.now()`; instances of one name are one alert. */
export class Timeline implements AsyncDisposable {
  readonly #prometheus: OwnPrometheus;
  readonly #firings: Firing[] = [];
  readonly #watching: Promise<void>;
  #over = false;

  constructor(prometheus: OwnPrometheus) {
    this.#prometheus = prometheus;
    this.#watching = this.#watch();
  }

  /** Names that fire now. */
  get now(): ReadonlySet<string> {
    return new Set(this.#firings.filter(({ to }) => to === undefined).map(({ name }) => name));
  }

  /** Alerts that began to fire in a span of time. */
  begunIn(from: number, to: number): readonly Firing[] {
    return this.#firings.filter((firing) => firing.from >= from && firing.from <= to);
  }

  /** Milliseconds from `since` until an alert fired; undefined when it has not. */
  firedAfter(name: string, since: number): number | undefined {
    const firing = this.#firings.find((one) => one.name === name && (one.to === undefined || one.to >= since));
    return firing === undefined ? undefined : Math.max(0, firing.from - since);
  }

  /** Milliseconds from `since` until an alert no longer fired; undefined while it still does. */
  resolvedAfter(name: string, since: number): number | undefined {
    const last = this.#firings.findLast((one) => one.name === name);
    return last?.to === undefined ? undefined : Math.max(0, last.to - since);
  }

  async #watch(): Promise<void> {
    while (!this.#over) {
      const alerts = await this.#prometheus.alerts();
      const at = performance.now();
      const firing = new Map(
        alerts
          .filter(({ state, labels }) => state === 'firing' && (labels['window'] ?? FAST) === FAST)
          .map(({ labels }) => [labels['alertname'] ?? '', labels['severity'] ?? '']),
      );
      for (const one of this.#firings) if (one.to === undefined && !firing.has(one.name)) one.to = at;
      for (const [name, severity] of firing) {
        if (!this.now.has(name)) this.#firings.push({ name, severity, from: at, to: undefined });
      }
      await delay(INTERVAL_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.#watching;
  }
}
