import { LATENCY_BUCKETS_SECONDS, SUBJECTS } from '@macronode/contracts';
import { counter, gauge, histogram, type HandlesOf } from '@macronode/metrics';

const OMNIGATE_SUBJECTS: readonly string[] = Object.values(SUBJECTS.omnigate).map((subject) => subject.name);

export const omnigateMetrics = {
  requests: counter({
    name: 'omnigate_requests_total',
    help: 'Requests judged: handed on to their owner, refused (here, or by who was asked first), failed at a call this service made itself, or answered here (echo).',
    labels: { subject: OMNIGATE_SUBJECTS, result: ['forwarded', 'answered', 'refused', 'failed'] },
    zeroFill: true,
  }),
  upstreamLatency: histogram({
    name: 'upstream_latency_seconds',
    help: 'Time of a call this service waited for. A forwarded request is answered past it and has no time here.',
    labels: { hop: ['index', 'storage', 'mailbox'] },
    buckets: LATENCY_BUCKETS_SECONDS,
    bucketsReason: 'The edges of request latency, so that a hop can be held against the request it is part of.',
  }),
  scoredRequests: counter({
    name: 'omnigate_scored_requests_total',
    help: 'Requests whose frame says what the mesh thinks of their client, those above the bound included.',
  }),
  inflight: gauge({ name: 'omnigate_admitted_requests', help: 'Requests being judged now.' }),
};

export type OmnigateMetrics = HandlesOf<typeof omnigateMetrics>;
