import { ServiceError } from '@macronode/contracts';
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { AdminGuard } from './admin-guard.ts';

/** A route a service adds to the ops port of its process. Whoever asks needs the admin token. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Parameters in braces, as in the tables of routes. */
  readonly template: string;
}

/** What was sent, unchecked: `parseAdmin` and `parseAs` judge it. */
export interface AdminRequest {
  readonly params: unknown;
  readonly query: unknown;
  /** JSON; undefined where there is no body. */
  readonly body: unknown;
}

/** Answers a JSON value, or throws an error of the table. */
export type AdminHandler = (request: AdminRequest) => unknown;

/** `{service}` as the router writes it. */
export const routerPath = (template: string): string => template.replace(/\{([a-z_]+)\}/g, ':$1');

/** What a path or a query says, as `schema` describes it; else `bad_request` with the first thing that is wrong. */
export function parseAdmin<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw new ServiceError('bad_request', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`);
}

const keyOf = ({ method, template }: AdminRoute): string => `${method} ${template}`;

/**
 * The admin routes of the services of a process. The ops port opens before any service is made, so the routes are there from
 * the start and answer `unavailable` until their service has said how.
 */
export class AdminRoutes {
  readonly #declared: ReadonlySet<string>;
  readonly #handlers = new Map<string, AdminHandler>();

  constructor(http: FastifyInstance, guard: AdminGuard, routes: readonly AdminRoute[]) {
    this.#declared = new Set(routes.map(keyOf));
    // A scope of its own, so that the guard stands before these routes and no others.
    void http.register((scope, _options, done) => {
      scope.addHook('onRequest', (request, _reply, next) => {
        guard.check(request.headers.authorization);
        next();
      });
      for (const route of routes) {
        scope.route({
          method: route.method,
          url: routerPath(route.template),
          handler: async ({ params, query, body }) => this.#handlerOf(route)({ params, query, body }),
        });
      }
      done();
    });
  }

  /** Says how a declared route answers. Throws for one that is not declared. */
  answer(route: AdminRoute, handler: AdminHandler): void {
    const key = keyOf(route);
    if (!this.#declared.has(key)) throw new Error(`the service does not declare the admin route ${key}`);
    this.#handlers.set(key, handler);
  }

  #handlerOf(route: AdminRoute): AdminHandler {
    const handler = this.#handlers.get(keyOf(route));
    if (handler === undefined) throw new ServiceError('unavailable', 'The service behind this route is starting.');
    return handler;
  }
}
