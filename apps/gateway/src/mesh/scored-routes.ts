import { ROUTES, type Upstream } from '@macronode/contracts';
import { RouteTable } from '@macronode/service';

/** The services named in a list joined by commas. */
export const parseUpstreams = (text: string | undefined): ReadonlySet<string> =>
  new Set(text === undefined ? [] : text.split(','));

/** The routes whose answers tell the score of their client: those of the upstreams that are opted in. */
export class ScoredRoutes {
  readonly #upstreams: ReadonlySet<string>;
  readonly #table = new RouteTable(Object.values(ROUTES));
  readonly #byTemplate: ReadonlyMap<string, Upstream>;
  /** By the router's own path: as many as there are routes. */
  readonly #known = new Map<string, boolean>();

  constructor(upstreams: ReadonlySet<string>) {
    this.#upstreams = upstreams;
    this.#byTemplate = new Map(Object.values(ROUTES).map(({ template, upstream }) => [template, upstream]));
  }

  /** Whether answers of this route of the router tell it. */
  has(routerPath: string | undefined): boolean {
    if (routerPath === undefined || this.#upstreams.size === 0) return false;
    let scored = this.#known.get(routerPath);
    if (scored === undefined) {
      const upstream = this.#byTemplate.get(this.#table.templateOf(routerPath) ?? '');
      scored = upstream !== undefined && this.#upstreams.has(upstream);
      this.#known.set(routerPath, scored);
    }
    return scored;
  }
}
