import http, { type RefinedResponse, type ResponseType } from 'k6/http';
import { check } from 'k6';
import type { Route } from '../../packages/contracts/src/routes.ts';
import { randomUuid } from './content.ts';

export type Response = RefinedResponse<'binary'>;

export interface Call {
  /** Value of the one parameter of the route. */
  readonly at?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: ArrayBuffer | string;
  /** Statuses that are right here; anything else counts as a failed request. */
  readonly expect: readonly number[];
}

const binary: ResponseType & 'binary' = 'binary';

/** One header of a response whatever its case; empty when it is absent. */
export function headerOf(response: { headers: Record<string, string> }, name: string): string {
  const wanted = name.toLowerCase();
  for (const [key, value] of Object.entries(response.headers)) if (key.toLowerCase() === wanted) return value;
  return '';
}

/**
 * The public surface as a virtual user sees it. Every request is named by its route template, so that a million ids
 * make one series, and carries its own correlation id, which must come back.
 */
export class Gateway {
  readonly #baseUrl: string;
  readonly #token: string | undefined;

  constructor(options: { readonly baseUrl: string; readonly token: string | undefined }) {
    this.#baseUrl = options.baseUrl;
    this.#token = options.token;
  }

  send(route: Route, call: Call): Response {
    const name = `${route.method} ${route.template}`;
    const path = route.template.replace(/\{[a-z]+\}/, call.at ?? '');
    const corrId = randomUuid();
    const response = http.request(route.method, this.#baseUrl + path, call.body ?? null, {
      headers: {
        'X-Corr-ID': corrId,
        ...(this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }),
        ...call.headers,
      },
      tags: { name },
      responseType: binary,
      responseCallback: http.expectedStatuses(...call.expect),
    });
    expectAll(name, {
      [`status is ${call.expect.join(' or ')}`]: call.expect.includes(response.status),
      'the correlation id comes back': headerOf(response, 'X-Corr-ID') === corrId,
    });
    return response;
  }

  json(route: Route, value: unknown, call: Call): Response {
    const headers = { 'Content-Type': 'application/json', ...call.headers };
    return this.send(route, { ...call, headers, body: JSON.stringify(value) });
  }
}

/** Named checks of one request, written down under its route. A failed one prints what it was about. */
export function expectAll(what: string, checks: Readonly<Record<string, boolean>>): void {
  for (const [claim, holds] of Object.entries(checks)) {
    const name = `${what}: ${claim}`;
    if (!check(null, { [name]: () => holds }, { name: what })) console.error(`failed: ${name}`);
  }
}
