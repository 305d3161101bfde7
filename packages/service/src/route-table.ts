import type { Route } from '@macronode/contracts';

/** `/o/{id}` and Fastify's `/o/:id`, or `/o/*`, with their parameters unnamed, so that they can be compared. */
const unnamed = (path: string): string => path.replace(/\{[^/}]+\}|:[^/]+|\*$/g, '{}');

/** The routes of a surface, by the router's own paths and by concrete ones. */
export class RouteTable {
  readonly templates: readonly string[];
  readonly #byShape: ReadonlyMap<string, string>;
  readonly #patterns: readonly { readonly pattern: RegExp; readonly method: string }[];

  constructor(routes: readonly Pick<Route, 'method' | 'template' | 'rest'>[]) {
    this.templates = [...new Set(routes.map((route) => route.template))];
    this.#byShape = new Map(this.templates.map((template) => [unnamed(template), template]));
    this.#patterns = routes.map(({ method, template, rest }) => {
      const literal = template.split(/\{[^/}]+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      const last = rest === true ? literal.splice(-2).join('.+') : literal.pop();
      return { method, pattern: new RegExp(`^${[...literal, last].join('[^/]+')}$`) };
    });
  }

  /** The template of a router path; undefined when the surface has no such route. */
  templateOf(routerPath: string | undefined): string | undefined {
    return routerPath === undefined ? undefined : this.#byShape.get(unnamed(routerPath));
  }

  /** The methods a concrete path answers to, for `Allow`. Empty when there is no such path. */
  methodsOf(path: string): readonly string[] {
    return [...new Set(this.#patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
  }
}
