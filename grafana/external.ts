/** A series that is not ours: who makes it, and the labels a query may ask for. */
export interface ExternalSeries {
  readonly from: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: readonly string[];
}

const K6 = 'k6, by Prometheus remote write';
const K6_LABELS = ['scenario', 'name', 'method', 'status', 'expected_response', 'flow', 'testid'] as const;

const k6 = (type: ExternalSeries['type'], labels: readonly string[] = K6_LABELS): ExternalSeries => ({
  from: K6,
  type,
  labels,
});

/** Series that boards, rules and the runbook may name beside our own declarations and the recorded ones. */
export const EXTERNAL: Readonly<Record<string, ExternalSeries>> = Object.freeze({
  up: { from: 'Prometheus, per scrape', type: 'gauge', labels: ['job', 'instance', 'service'] },
  ALERTS: {
    from: 'Prometheus, per pending or firing alert',
    type: 'gauge',
    labels: ['alertname', 'alertstate', 'severity', 'service', 'slo', 'window', 'cause'],
  },
  fault_active_state: { from: 'the verification, while it makes a fault', type: 'gauge', labels: ['fault'] },
  k6_vus: k6('gauge', ['testid']),
  k6_http_reqs_total: k6('counter'),
  k6_http_req_duration_p50: k6('gauge'),
  k6_http_req_duration_p95: k6('gauge'),
  k6_http_req_duration_p99: k6('gauge'),
  k6_http_req_failed_rate: k6('gauge'),
  k6_dropped_iterations_total: k6('counter', ['scenario', 'testid']),
  k6_iterations_total: k6('counter', ['scenario', 'testid']),
  k6_checks_rate: k6('gauge', ['scenario', 'check', 'testid']),
  k6_data_received_total: k6('counter', ['scenario', 'testid']),
  k6_data_sent_total: k6('counter', ['scenario', 'testid']),
});
