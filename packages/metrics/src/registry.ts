import { type Metric, type OpenMetricsContentType, Registry } from 'prom-client';
import { counter, type Declaration, MetricDeclarationError } from './declarations.ts';
import { Family } from './family.ts';
import type { HandlesOf } from './handles.ts';
import type { OccupancyReader, ServiceOccupancy } from './occupancy.ts';
import { Slab } from './slab.ts';

/** What went wrong inside the metrics themselves. Both should always be zero. */
export const registryMetrics = Object.freeze({
  collectFailures: counter({
    name: 'metrics_collect_failures_total',
    help: 'Values that could not be read at a scrape. The other series of the scrape are not affected.',
  }),
  misuses: counter({
    name: 'metrics_misuses_total',
    help: 'Counts dropped for breaking their declaration: an undeclared label value, a negative increment, NaN.',
  }),
});

/** A refresher that has not finished by then no longer delays the scrape, in ms: well inside a scrape timeout of 10 s. */
const REFRESH_TIMEOUT_MS = 2_000;

/** The family under its name in OpenMetrics: that of a counter is without `_total`. prom-client would rename the family itself. */
function openMetric(family: Family): Pick<Family, 'name' | 'get'> {
  const { type } = family;
  const name = type === 'counter' ? family.name.replace(/_total$/, '') : family.name;
  return { name, get: async () => ({ ...(await family.get()), name }) };
}

/** The text format of a scrape. */
export type Exposition = 'classic' | 'openmetrics';

/** The format a scraper asks for: OpenMetrics where its Accept header names it. */
export function expositionFor(accept: string | undefined): Exposition {
  return accept?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'classic';
}

/**
 * All metrics of a process. Services take a scope each; the scrape renders every scope.
 * One name has one meaning: binding it again with another type, help, unit, labels or buckets throws.
 */
export class MetricsRegistry {
  readonly #slab = new Slab();
  readonly #classic = new Registry();
  readonly #open = new Registry<OpenMetricsContentType>();
  readonly #families = new Map<string, Family>();
  readonly #refreshers = new Set<() => void | Promise<void>>();
  readonly #scopes = new Map<string, MetricsScope>();
  readonly #failed: () => void;

  constructor() {
    this.#open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    let failures = 0;
    this.#failed = () => {
      failures += 1;
    };
    const own = this.scope({}).bind(registryMetrics);
    own.collectFailures.collect(() => failures);
    own.misuses.collect(() => this.#slab.misuses);
  }

  /** The metrics of one service: every series carries `labels`. The same labels give the same scope. */
  scope(labels: Readonly<Record<string, string>>): MetricsScope {
    const key = JSON.stringify(Object.entries(labels).sort());
    let scope = this.#scopes.get(key);
    if (scope === undefined) {
      scope = new MetricsScope(labels, (declaration) => this.#family(declaration), this.#refreshers);
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
    return this.#renderer(format).contentType;
  }

  /** Every declaration bound so far, by name: what a scrape exposes, no more and no less. */
  declarations(): readonly Declaration[] {
    return [...this.#families.values()].map((family) => family.declaration);
  }

  /** The exposition, by default in the classic text format; exemplars are part of OpenMetrics only. Runs the refreshers first; never rejects for one of them. */
  async render(format: Exposition = 'classic'): Promise<string> {
    await this.#refresh();
    return this.#renderer(format).metrics();
  }

  #renderer(format: Exposition): Pick<Registry, 'metrics'> & { readonly contentType: string } {
    return format === 'openmetrics' ? this.#open : this.#classic;
  }

  async #refresh(): Promise<void> {
    if (this.#refreshers.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), REFRESH_TIMEOUT_MS);
    });
    const runs = [...this.#refreshers].map(async (refresh) => {
      try {
        if ((await Promise.race([refresh(), late])) === 'late') this.#failed();
      } catch {
        this.#failed();
      }
    });
    await Promise.all(runs);
    clearTimeout(timer);
  }

  #family(declaration: Declaration): Family {
    let family = this.#families.get(declaration.name);
    if (family === undefined) {
      family = new Family(declaration, this.#slab, this.#failed);
      this.#families.set(declaration.name, family);
      // prom-client asks no more of a metric than `name` and `get()`; its types name its own classes only.
      this.#classic.registerMetric(family as unknown as Metric);
      this.#open.registerMetric(openMetric(family) as unknown as Metric);
    } else if (!family.matches(declaration)) {
      throw new MetricDeclarationError(
        declaration.name,
        'is bound already with another type, help, unit, labels or buckets',
      );
    }
    return family;
  }
}

/** One service's view of a registry. */
export class MetricsScope {
  readonly labels: Readonly<Record<string, string>>;
  readonly #family: (declaration: Declaration) => Family;
  readonly #refreshers: Set<() => void | Promise<void>>;
  readonly #handles = new Map<string, { declaration: Declaration; handle: unknown }>();
  readonly #occupancies = new Set<OccupancyReader>();

  constructor(
    labels: Readonly<Record<string, string>>,
    family: (declaration: Declaration) => Family,
    refreshers: Set<() => void | Promise<void>>,
  ) {
    this.labels = Object.freeze({ ...labels });
    this.#family = family;
    this.#refreshers = refreshers;
  }

  /** Typed handles, keyed like the declarations. Binding the same declaration again gives the same series. */
  bind<T extends Readonly<Record<string, Declaration>>>(declarations: T): HandlesOf<T> {
    const handles = Object.entries(declarations).map(([key, declaration]) => [key, this.#handle(declaration)]);
    // Each handle is made for its declaration's type and labels; the mapping over keys is beyond the compiler.
    return Object.freeze(Object.fromEntries(handles)) as HandlesOf<T>;
  }

  /** Runs before every scrape, to set gauges that are costly or asynchronous to read. Returns how to stop it. */
  refresh(refresher: () => void | Promise<void>): () => void {
    this.#refreshers.add(refresher);
    return () => this.#refreshers.delete(refresher);
  }

  /** Shows bounded things to whoever asks what the process is busy with. Returns how to stop it. */
  occupied(reader: OccupancyReader): () => void {
    this.#occupancies.add(reader);
    return () => this.#occupancies.delete(reader);
  }

  /** What was shown with `occupied`, as it is now. */
  occupancies(): ReturnType<OccupancyReader> {
    return [...this.#occupancies].flatMap((read) => read());
  }

  #handle(declaration: Declaration): unknown {
    const bound = this.#handles.get(declaration.name);
    if (bound === undefined) {
      const handle = this.#family(declaration).handle(declaration, this.labels);
      this.#handles.set(declaration.name, { declaration, handle });
      return handle;
    }
    if (bound.declaration !== declaration && JSON.stringify(bound.declaration) !== JSON.stringify(declaration)) {
      throw new MetricDeclarationError(declaration.name, 'is bound already in this scope, declared differently');
    }
    return bound.handle;
  }
}
