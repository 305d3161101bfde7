import type { ServiceName } from '@macronode/contracts';

/** TraceQL: the traces of the route and method a point stands for. */
export const TRACES_OF_ROUTE =
  '{ resource.service.name = "gateway" && span.http.route = "${__field.labels.route}" && span.http.request.method = "${__field.labels.method}" }';

/** TraceQL: requests of the gateway as slow as an objective forbids. */
export const slowTraces = (seconds: number): string =>
  `{ resource.service.name = "gateway" && kind = server && duration > ${seconds * 1_000}ms }`;

/** TraceQL: spans of one service, or of those the board shows. */
export const tracesOf = (service?: ServiceName): string =>
  service === undefined
    ? '{ resource.service.name =~ "${service:regex}" }'
    : `{ resource.service.name = "${service}" }`;

/** TraceQL: failed spans of one service. */
export const failedTraces = (service: ServiceName): string =>
  `{ resource.service.name = "${service}" && status = error }`;

/** TraceQL: spans of the bus subject a point stands for. */
export const TRACES_OF_SUBJECT = '{ span.messaging.destination.name = "${__field.labels.subject}" }';
