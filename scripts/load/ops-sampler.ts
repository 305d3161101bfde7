// What the processes of a node say of themselves while it is under load: scrapes of their ops ports.
import { readSamples, type Sample } from '@macronode/console';
import type { RunState } from '../run-state.ts';

/** One look at one process. Absent values were not in its scrape: not every process has streams. */
export interface OpsSample {
  /** Seconds after the first look. */
  readonly at: number;
  readonly rssBytes: number;
  /** Heap and buffers still in use after the last full collection, 0 before the first. */
  readonly liveBytes: number;
  readonly openFds: number;
  /** Soft limit on them. */
  readonly maxFds: number;
  /** 99th percentile of the event loop's lag over the last 10 to 20 s. */
  readonly lagP99S: number;
  readonly cpuS: number;
  /** Frames of its fullest stream, as a share of what the stream may hold. */
  readonly streamFill: number;
  /** Entries delivered and not settled. */
  readonly pending: number;
  readonly published: number;
  readonly overflowed: number;
  /** Requests refused, by whoever refused them. */
  readonly rejected: number;
  /** Answers of the gateway that were 429 or 503. */
  readonly refusedAnswers: number;
}

/** All looks at one process, in the order of time. */
export interface OpsSeries {
  /** `storage-0`, or `micronode-0`. */
  readonly instance: string;
  readonly samples: readonly OpsSample[];
}

const NAMES = new Set([
  'process_resident_memory_bytes',
  'nodejs_live_memory_bytes',
  'process_open_fds',
  'process_max_fds',
  'process_cpu_seconds_total',
  'nodejs_eventloop_lag_p99_seconds',
  'bus_stream_depth_frames',
  'bus_stream_limit_frames',
  'bus_pending_entries',
  'bus_published_total',
  'bus_overflow_total',
  'rejected_total',
  'http_requests_total',
]);
const REFUSED = /^(429|503)$/;
const SCRAPE_TIMEOUT_MS = 5_000;

/** One look from the text of a scrape. */
export function sampleOf(text: string, at: number): OpsSample {
  const samples = [...readSamples(text, NAMES)];
  const of = (name: string): readonly Sample[] => samples.filter((one) => one.name === name);
  const sum = (name: string): number => of(name).reduce((total, { value }) => total + value, 0);
  const refusedAnswers = of('http_requests_total').filter(({ labels }) => REFUSED.test(labels['code'] ?? ''));
  return {
    at,
    rssBytes: sum('process_resident_memory_bytes'),
    liveBytes: sum('nodejs_live_memory_bytes'),
    openFds: sum('process_open_fds'),
    maxFds: sum('process_max_fds'),
    lagP99S: sum('nodejs_eventloop_lag_p99_seconds'),
    cpuS: sum('process_cpu_seconds_total'),
    streamFill: fillOf(of('bus_stream_depth_frames'), of('bus_stream_limit_frames')),
    pending: sum('bus_pending_entries'),
    published: sum('bus_published_total'),
    overflowed: sum('bus_overflow_total'),
    rejected: sum('rejected_total'),
    refusedAnswers: refusedAnswers.reduce((total, { value }) => total + value, 0),
  };
}

function fillOf(depths: readonly Sample[], limits: readonly Sample[]): number {
  const same = (a: Sample, b: Sample): boolean =>
    a.labels['stream'] === b.labels['stream'] && a.labels['service'] === b.labels['service'];
  return Math.max(
    0,
    ...depths.flatMap((depth) => {
      const limit = limits.find((one) => same(depth, one))?.value ?? 0;
      return limit > 0 ? [depth.value / limit] : [];
    }),
  );
}

interface OpsTarget {
  readonly instance: string;
  readonly url: string;
}

/** Every process once: services of one process share an ops port. */
export function opsTargets({ ops, target }: Pick<RunState, 'ops' | 'target'>): readonly OpsTarget[] {
  if (target === 'micronode')
    return Object.values(ops)
      .flat()
      .slice(0, 1)
      .map((url) => ({ instance: 'micronode-0', url }));
  const seen = new Set<string>();
  return Object.entries(ops).flatMap(([service, urls]) =>
    urls.flatMap((url, at) => {
      if (seen.has(url)) return [];
      seen.add(url);
      return [{ instance: `${service}-${at}`, url }];
    }),
  );
}

/** Looks at every process, now and again until it is stopped. A process that does not answer is left out of that look. */
export class OpsSampler {
  readonly #targets: readonly OpsTarget[];
  readonly #series: ReadonlyMap<string, OpsSample[]>;
  readonly #startedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(targets: readonly OpsTarget[]) {
    this.#targets = targets;
    this.#series = new Map(targets.map(({ instance }) => [instance, []]));
  }

  /** Seconds since the first look. */
  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }

  get series(): readonly OpsSeries[] {
    return [...this.#series].map(([instance, samples]) => ({ instance, samples }));
  }

  start(intervalMs: number): void {
    this.#timer = setInterval(() => void this.look(), intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    const at = this.seconds;
    await Promise.all(
      this.#targets.map(async ({ instance, url }) => {
        try {
          const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS) });
          if (response.ok) this.#series.get(instance)?.push(sampleOf(await response.text(), at));
        } catch {
          // gone or busy: the next look may see it
        }
      }),
    );
  }
}
