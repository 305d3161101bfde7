import type { BusHooks } from '@macronode/bus';
import type { MetricsScope } from '@macronode/metrics';
import type { BackgroundSpans } from './background-spans.ts';
import type { HttpSpans } from './http-spans.ts';

/** The tracing of one service. */
export interface Tracing {
  readonly busHooks: BusHooks;
  readonly http: HttpSpans;
  readonly background: BackgroundSpans;
  /** Exports what waits. Never rejects. */
  flush(): Promise<void>;
  /** Exports what waits, and lets go of the collector. Never rejects. */
  close(): Promise<void>;
}

export interface TracingOptions {
  readonly service: string;
  readonly nodeId: string;
  readonly version: string;
  readonly metrics: MetricsScope;
  /** Base URL of an OTLP/HTTP receiver, without `/v1/traces`. */
  readonly endpoint: string;
  /** Share of the traces begun here that are sampled, 0 to 1. */
  readonly ratio: number;
}
