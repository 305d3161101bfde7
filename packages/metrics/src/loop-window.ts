import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Sampling step of the event-loop monitor, in ms: finer costs CPU, coarser hides short stalls. */
const RESOLUTION_MS = 10;
/** What a reading looks back over, in ms: this to twice this, two scrapes of 5 s at least, so that none misses a stall. */
const WINDOW_MS = 10_000;

/** What the event loop did lately, times in seconds. */
export interface LoopReading {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Share of time it was busy. */
  readonly utilization: number;
}

interface Watch {
  readonly delay: ReturnType<typeof monitorEventLoopDelay>;
  since: ReturnType<typeof performance.eventLoopUtilization>;
}

const watch = (): Watch => {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  return { delay, since: performance.eventLoopUtilization() };
};

/**
 * The event loop over the last ten to twenty seconds. Time ends a window, not a reader: a console that is open takes nothing
 * away from Prometheus, nor one Prometheus from another.
 */
export class LoopWindow {
  #older = watch();
  #younger = watch();
  readonly #timer = setInterval(() => this.turn(), WINDOW_MS).unref();

  /** Begins a window: the younger watch is read from now on, the older one begins again. */
  turn(): void {
    [this.#older, this.#younger] = [this.#younger, this.#older];
    this.#younger.delay.reset();
    this.#younger.since = performance.eventLoopUtilization();
  }

  read(): LoopReading {
    const { delay, since } = this.#older;
    // The monitor records whole intervals between its ticks, its own step included.
    const seconds = (nanoseconds: number): number =>
      delay.count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
    return {
      mean: seconds(delay.mean),
      p50: seconds(delay.percentile(50)),
      p99: seconds(delay.percentile(99)),
      max: seconds(delay.max),
      utilization: performance.eventLoopUtilization(performance.eventLoopUtilization(), since).utilization,
    };
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { delay } of [this.#older, this.#younger]) delay.disable();
  }
}
