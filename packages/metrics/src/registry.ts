import type { Exposition } from './accept.ts';
import { counter, type Declaration, gauge, histogram, MetricDeclarationError } from './declarations.ts';
import { contentTypeOf, expose } from './exposition.ts';
import { Family, type Room } from './family.ts';
import type { HandlesOf } from './handles.ts';
import { LanesError } from './lane-layout.ts';
import type { ReadLane } from './lanes.ts';
import type { ServiceOccupancy } from './occupancy.ts';
import { Refreshers } from './refreshers.ts';
import { MetricsScope, type ScopeHost } from './scope.ts';
import { SeriesCap } from './series-cap.ts';
import { Slab } from './slab.ts';

/** The metrics about the metrics. Failures, misuses and refusals should always be zero. */
export const registryMetrics = Object.freeze({
  collectFailures: counter({
    name: 'metrics_collect_failures_total',
    help: 'Values that could not be read at a scrape, and refreshers that failed or were late. The other series of the scrape are not affected.',
  }),
  misuses: counter({
    name: 'metrics_misuses_total',
    help: 'Counts dropped for breaking their declaration: an undeclared label value, a negative increment, NaN.',
  }),
  seriesRefused: counter({
    name: 'metrics_series_refused_total',
    help: 'Series that are not exposed because the process has as many as it may. What they count is lost.',
  }),
  series: gauge({
    name: 'metrics_series',
    help: 'Series the process exposes, each bucket of a histogram one of its own. At most 20,000.',
  }),
  scrapeSeconds: histogram({
    name: 'metrics_scrape_seconds',
    help: 'Time from a scrape that begins to its text, refreshers included. A scrape shows those before it.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 2],
    bucketsReason:
      'A thousand series take a few ms; refreshers may take 1 s in all; after 2 s a scraper may have given up.',
  }),
});

/**
 * Series a registry exposes, each bucket of a histogram counted. A micronode under load has some thousands; a page of 20,000
 * is about 2 MB, which a scraper can still take every 2 s. More is a label that got out of hand.
 */
const REGISTRY_SERIES_MAX = 20_000;

export interface RegistryOptions {
  /** By default 20,000. */
  readonly maxSeries?: number;
}

/**
 * All metrics of a process. Services take a scope each; the scrape renders every scope.
 * One name has one meaning: binding it again with another type, help, unit, labels or buckets throws.
 */
export class MetricsRegistry {
  readonly #slab = new Slab();
  readonly #cap: SeriesCap;
  readonly #room: Room;
  readonly #families = new Map<string, Family>();
  readonly #refreshers: Refreshers;
  readonly #mounted = new Set<ReadLane>();
  readonly #scopes = new Map<string, MetricsScope>();
  readonly #host: ScopeHost;
  readonly #own: HandlesOf<typeof registryMetrics>;

  constructor({ maxSeries = REGISTRY_SERIES_MAX }: RegistryOptions = {}) {
    const failed = (): void => this.#own.collectFailures.inc();
    this.#cap = new SeriesCap(maxSeries);
    this.#room = { slab: this.#slab, cap: this.#cap, failed };
    this.#refreshers = new Refreshers(failed);
    this.#host = {
      family: (declaration) => this.#family(declaration),
      refresher: (name, run, contextual) => this.#refreshers.add(name, run, contextual),
      mount: (labels, lanes) => this.#mount(labels, lanes),
    };
    this.#own = this.scope({}).bind(registryMetrics);
    this.#own.misuses.collect(() => this.#misuses());
    this.#own.seriesRefused.collect(() => this.#cap.refused);
    this.#own.series.collect(() => this.#cap.held);
  }

  /** The metrics of one service: every series carries `labels`. The same labels give the same scope. */
  scope(labels: Readonly<Record<string, string>>): MetricsScope {
    const key = JSON.stringify(Object.entries(labels).sort());
    let scope = this.#scopes.get(key);
    if (scope === undefined) {
      scope = new MetricsScope(labels, this.#host);
      this.#scopes.set(key, scope);
    }
    return scope;
  }

  /** Every bounded thing of the process, as full as it is now. */
  occupancies(): readonly ServiceOccupancy[] {
    return [...this.#scopes.values()].flatMap((scope) => {
      const service = scope.labels['service'] ?? '';
      return scope.occupancies().map((occupancy) => ({ service, ...occupancy }));
    });
  }

  contentType(format: Exposition = 'classic'): string {
    return contentTypeOf(format);
  }

  /** Every declaration bound so far, by name: what a scrape exposes, no more and no less. */
  declarations(): readonly Declaration[] {
    return [...this.#families.values()].map((family) => family.declaration);
  }

  /**
   * The exposition, by default in the classic text format; exemplars are part of OpenMetrics only. Runs the refreshers first,
   * then shows one moment; never rejects for one of them, nor holds the event loop for long.
   */
  async render(format: Exposition = 'classic'): Promise<string> {
    const started = performance.now();
    await this.#refreshers.run();
    const text = await expose(this.#families.values(), format);
    this.#own.scrapeSeconds.observe((performance.now() - started) / 1_000);
    return text;
  }

  #misuses(): number {
    return [...this.#mounted].reduce((sum, { slab }) => sum + slab.misuses, this.#slab.misuses);
  }

  #mount(labels: Readonly<Record<string, string>>, lanes: readonly ReadLane[]): () => void {
    if (lanes.some((lane) => this.#mounted.has(lane))) throw new LanesError('these lanes are mounted already');
    // All families first: one that is refused leaves none of the others mounted.
    const pairs = lanes.flatMap(({ families }) =>
      families.map((family) => ({ family, shown: this.#family(family.declaration) })),
    );
    const unmounts = pairs.map(({ family, shown }) => shown.mount(labels, family));
    for (const lane of lanes) this.#mounted.add(lane);
    return () => {
      for (const unmount of unmounts.splice(0)) unmount();
      for (const lane of lanes) this.#mounted.delete(lane);
    };
  }

  #family(declaration: Declaration): Family {
    let family = this.#families.get(declaration.name);
    if (family === undefined) {
      family = new Family(declaration, this.#room);
      this.#families.set(declaration.name, family);
    } else if (!family.matches(declaration)) {
      throw new MetricDeclarationError(
        declaration.name,
        'is bound already with another type, help, unit, labels or buckets',
      );
    }
    return family;
  }
}
