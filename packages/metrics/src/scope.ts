import { type Declaration, MetricDeclarationError } from './declarations.ts';
import type { Family } from './family.ts';
import type { HandlesOf } from './handles.ts';
import type { Lanes, ReadLane } from './lanes.ts';
import type { OccupancyReader } from './occupancy.ts';

/** What a scope asks of its registry. */
export interface ScopeHost {
  family(declaration: Declaration): Family;
  /** Adds a refresher; returns how to remove it. */
  refresher(name: string, run: () => unknown, contextual: boolean): () => void;
  mount(labels: Readonly<Record<string, string>>, lanes: readonly ReadLane[]): () => void;
}

/** One service's view of a registry. */
export class MetricsScope {
  readonly labels: Readonly<Record<string, string>>;
  readonly #host: ScopeHost;
  readonly #handles = new Map<string, { declaration: Declaration; handle: unknown }>();
  readonly #occupancies = new Set<OccupancyReader>();

  constructor(labels: Readonly<Record<string, string>>, host: ScopeHost) {
    this.labels = Object.freeze({ ...labels });
    this.#host = host;
  }

  /**
   * Typed handles, keyed like the declarations. Binding the same declaration again gives the same series, and one that is
   * mounted too counts on top of its lanes.
   */
  bind<T extends Readonly<Record<string, Declaration>>>(declarations: T): HandlesOf<T> {
    const handles = Object.entries(declarations).map(([key, declaration]) => [key, this.#handle(declaration)]);
    // Each handle is made for its declaration's type and labels; the mapping over keys is beyond the compiler.
    return Object.freeze(Object.fromEntries(handles)) as HandlesOf<T>;
  }

  /**
   * Exposes what lanes count as part of this scope: every series is the sum over the lanes, those of gauges too (a gauge
   * that is NaN in one lane is unknown and left out). Returns how to take them out, after which their counts are gone from
   * the scrape: for Prometheus a reset. Throws LanesError when they are mounted already.
   */
  mount(lanes: Pick<Lanes, 'read'>): () => void {
    return this.#host.mount(this.labels, lanes.read);
  }

  /**
   * Runs before every scrape, to set gauges that are costly or asynchronous to read; with a context, after all those
   * without one, and it is given the context. `name` is this scope's own. Returns how to stop it.
   * Throws RefresherRefused when the registry has 16 already, or this scope one of that name.
   */
  refresher(name: string, run: () => void | Promise<void>): () => void;
  refresher<C>(name: string, context: C, run: (context: C) => void | Promise<void>): () => void;
  refresher<C>(name: string, ...rest: [run: () => unknown] | [context: C, run: (context: C) => unknown]): () => void {
    const full = `${Object.values(this.labels).join(' ')} ${name}`.trimStart();
    if (rest.length === 1) return this.#host.refresher(full, rest[0], false);
    const [context, run] = rest;
    return this.#host.refresher(full, () => run(context), true);
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
      const handle = this.#host.family(declaration).handle(declaration, this.labels);
      this.#handles.set(declaration.name, { declaration, handle });
      return handle;
    }
    if (bound.declaration !== declaration && JSON.stringify(bound.declaration) !== JSON.stringify(declaration)) {
      throw new MetricDeclarationError(declaration.name, 'is bound already in this scope, declared differently');
    }
    return bound.handle;
  }
}
