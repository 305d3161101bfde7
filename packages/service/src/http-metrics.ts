import type { ServerResponse } from 'node:http';
import { ERRORS } from '@macronode/contracts';
import {
  type CounterCell,
  type GaugeCell,
  type goldenMetrics,
  type HandlesOf,
  type HistogramCell,
  HTTP_CODES,
  HTTP_METHODS,
  type HttpCode,
  UNMATCHED_ROUTE,
} from '@macronode/metrics';
import type { FastifyRequest } from 'fastify';
import type { RequestContext } from './request-context.ts';
import type { RouteTable } from './route-table.ts';

export type GoldenHandles = HandlesOf<ReturnType<typeof goldenMetrics<string, string>>>;
type Method = (typeof HTTP_METHODS)[number];

/** The `code` of a request whose client left before the answer was complete. */
const CLIENT_CLOSED = 499;
const METHODS: ReadonlySet<string> = new Set(HTTP_METHODS);
const CODES: ReadonlySet<string> = new Set(HTTP_CODES);

const methodLabel = (method: string): Method => (METHODS.has(method) ? (method as Method) : 'other');

function codeLabel(status: number): HttpCode {
  const text = String(status);
  return (CODES.has(text) ? text : `${text.charAt(0)}xx`) as HttpCode;
}

/** The series of one route and method, looked up once. */
class RouteMeter {
  readonly label: string;
  readonly inflight: GaugeCell;
  readonly latency: HistogramCell;
  readonly #codes = new Map<number, CounterCell>();
  readonly #code: (status: number) => CounterCell;

  constructor(golden: GoldenHandles, route: string, method: Method) {
    this.label = `${method} ${route}`;
    this.inflight = golden.inflightRequests.cell({ route });
    this.latency = golden.requestLatency.cell({ route, method });
    this.#code = (status) => golden.httpRequests.cell({ route, method, code: codeLabel(status) });
  }

  done(status: number, seconds: number, sampledTrace?: string): void {
    this.inflight.dec();
    if (sampledTrace === undefined) this.latency.observe(seconds);
    else this.latency.observeTraced(seconds, sampledTrace);
    let cell = this.#codes.get(status);
    if (cell === undefined) this.#codes.set(status, (cell = this.#code(status)));
    cell.inc();
  }
}

/** Counts one request as begun; the answer counts it as ended, given the status, the seconds it took and its trace if sampled. */
export type RequestMeter = (request: FastifyRequest) => {
  /** `METHOD template`. */
  readonly label: string;
  done(status: number, seconds: number, sampledTrace?: string): void;
};

/**
 * Rate, errors and duration of every request, by route template: never by URL. A request ends when its answer
 * is complete or its connection is gone.
 */
export function requestMeter(golden: GoldenHandles, routes: RouteTable): RequestMeter {
  const meters = new Map<string, RouteMeter>();
  return ({ method, routeOptions }) => {
    const path = routeOptions.url;
    const key = `${method} ${path ?? ''}`;
    let meter = meters.get(key);
    if (meter === undefined) {
      meter = new RouteMeter(golden, routes.templateOf(path) ?? UNMATCHED_ROUTE, methodLabel(method));
      meters.set(key, meter);
    }
    meter.inflight.inc();
    return meter;
  };
}

/**
 * The status a request is counted under: what was sent, or why the answer broke off. 499 is a client that left first; of an
 * answer without an end everybody does.
 */
export function countedStatus(raw: ServerResponse, { failure, endlessAt }: RequestContext): number {
  if (failure !== undefined) return ERRORS[failure].status;
  return raw.writableFinished || endlessAt !== undefined ? raw.statusCode : CLIENT_CLOSED;
}
