import { counter, gauge, type HandlesOf } from '@macronode/metrics';

export const gatewayMetrics = {
  bodyBytes: counter({
    name: 'gateway_body_bytes_total',
    help: 'Bytes of objects taken from and sent to clients.',
    labels: { direction: ['in', 'out'] },
    zeroFill: true,
  }),
  uploadsAborted: counter({
    name: 'gateway_uploads_aborted_total',
    help: 'Uploads that ended before storage had them: the client left, moved no byte, sent too much, or storage refused.',
    labels: { reason: ['client', 'idle', 'too_large', 'upstream'] },
    zeroFill: true,
  }),
  downloadsAborted: counter({
    name: 'gateway_downloads_aborted_total',
    help: 'Downloads that ended before the last byte: the client left or stalled, or storage failed.',
    labels: { reason: ['client', 'upstream'] },
    zeroFill: true,
  }),
  inflight: gauge({
    name: 'gateway_admitted_requests',
    help: 'Requests the in-flight gate has admitted and not seen end.',
  }),
};

export type GatewayMetrics = HandlesOf<typeof gatewayMetrics>;
