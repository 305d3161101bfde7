import { counter, gauge, type HandlesOf } from '@macronode/metrics';
import { CUT_REASONS } from './clients/client.ts';

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
  clientCuts: counter({
    name: 'gateway_client_cuts_total',
    help: 'Clients cut for abuse, by what they kept on doing.',
    labels: { reason: CUT_REASONS },
    zeroFill: true,
  }),
  clientsTracked: gauge({
    name: 'gateway_tracked_clients',
    help: 'Addresses whose requests are counted. 0 while no share of an address is set.',
  }),
  clientsForgotten: counter({
    name: 'gateway_clients_forgotten_total',
    help: 'Addresses forgotten because as many as may be counted were: the longest idle goes first.',
  }),
  tarpitHeld: gauge({
    name: 'gateway_tarpit_held_answers',
    help: 'Refusals of cut clients that are held back.',
  }),
  tarpitOverflow: counter({
    name: 'gateway_tarpit_overflow_total',
    help: 'Refusals sent at once because as many as may be held back were.',
  }),
  meshScoreStripped: counter({
    name: 'gateway_mesh_score_stripped_total',
    help: 'Requests that brought a score of their own: it is taken off, whether the mesh is on or off.',
  }),
};

export type GatewayMetrics = HandlesOf<typeof gatewayMetrics>;
