import { SpanKind, SpanStatusCode, TraceFlags, type Tracer } from '@opentelemetry/api';
import { parentContext, traceparentOf } from './trace-context.ts';

/** The span of one request at the edge. */
export interface HttpSpan {
  /** What the request hands on. */
  readonly traceparent: string;
  /** Id of its trace; undefined when it is not sampled, so that an exemplar never leads nowhere. */
  readonly sampledTrace: string | undefined;
  end(status: number): void;
}

/** What is known of a request when its span begins. */
export interface HttpRequestFacts {
  readonly method: string;
  /** Route template; undefined when no route matches. */
  readonly route: string | undefined;
  readonly path: string;
  readonly corrId: string;
  /** As received, unchecked. */
  readonly traceparent: string | undefined;
}

export type HttpSpans = (request: HttpRequestFacts) => HttpSpan;

/** Server spans by the HTTP semantic conventions: `METHOD route-template`, failed from status 500 on. */
export function httpSpans(tracer: Tracer): HttpSpans {
  return ({ method, route, path, corrId, traceparent }) => {
    const span = tracer.startSpan(
      route === undefined ? method : `${method} ${route}`,
      {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': method,
          'url.path': path,
          'url.scheme': 'http',
          corr_id: corrId,
          ...(route !== undefined && { 'http.route': route }),
        },
      },
      parentContext(traceparent),
    );
    const { traceId, traceFlags } = span.spanContext();
    return {
      sampledTrace: (traceFlags & TraceFlags.SAMPLED) === 0 ? undefined : traceId,
      traceparent: traceparentOf(span.spanContext()),
      end(status) {
        span.setAttribute('http.response.status_code', status);
        if (status >= 500) {
          span.setAttribute('error.type', String(status));
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
      },
    };
  };
}
