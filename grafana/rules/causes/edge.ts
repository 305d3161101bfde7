import { ROUTES } from '@macronode/contracts';
import { type Bound, BOUNDS } from '../../bounds.ts';
import { METRICS } from '../../declared.ts';
import type { Alert } from '../alert.ts';
import { rangeSeconds } from '../clock.ts';
import { rate } from '../promql.ts';
import { RECORDED } from '../recorded.ts';
import { eventSignals, quotientSignals, shareSignals } from '../signal.ts';

const { connections, gateway, golden, omnigate, state } = METRICS;
const MINUTE = 60;
const GATEWAY = { service: 'gateway' };
const TICKET = { severity: 'ticket', labels: {}, scale: 'scrape', comparison: '>' } as const;
const panel = (title: string) => ({ board: 'macronode-gateway', title });
const NONE: Bound = { value: 0, unit: 'none', why: 'A client that is cut off cannot be told why.' };
/** Clients that leave are nobody's failure. */
const ofClients = ({ name }: { readonly name: string }) => [
  { name, labels: { reason: 'client' }, wave: { perSecond: 500 } },
];
const uploads = { ...golden.httpRequests, labels: { route: ROUTES.objectPut.template, method: 'PUT', code: '201' } };
const downloads = { ...golden.httpRequests, labels: { route: ROUTES.objectGet.template, method: 'GET', code: '200' } };

/** The gateway and omnigate. */
export const edgeAlerts: readonly Alert[] = [
  {
    ...TICKET,
    name: 'GatewayNearCapacity',
    expr: () => RECORDED.gatewayInflight,
    bound: BOUNDS.gateway_inflight,
    forSeconds: 2 * MINUTE,
    format: 'percentage',
    summary: ({ instance }, value) => `The gate of the gateway at ${instance} is ${value} full.`,
    impact: 'At the bound the next request is refused with 503.',
    panel: panel('Gate fill'),
    signals: quotientSignals(
      gateway.inflight,
      { ...state.config, labels: { key: 'inflight' } },
      BOUNDS.gateway_inflight,
      GATEWAY,
    ),
    faults: ['inflight_flood'],
  },
  {
    ...TICKET,
    name: 'GatewayConnectionsDropped',
    expr: (clock) => rate(connections.dropped, 'service, instance', rangeSeconds(clock, MINUTE)),
    bound: NONE,
    forSeconds: 2 * MINUTE,
    format: 'number',
    summary: ({ service, instance }, value) =>
      `${service} at ${instance} cuts ${value} connections a second: it may hold no more.`,
    impact: 'New clients are cut off without an answer.',
    panel: panel('Connections dropped'),
    signals: eventSignals(connections.dropped, GATEWAY, 'rate'),
    faults: ['descriptors_exhausted'],
  },
  {
    ...TICKET,
    name: 'UploadsAborted',
    expr: () => RECORDED.uploadsAborted,
    bound: BOUNDS.uploads_aborted,
    forSeconds: 5 * MINUTE,
    format: 'percentage',
    summary: ({ instance }, value) => `${value} of the uploads at ${instance} were ended by storage.`,
    impact: 'Clients send for nothing and have to begin again.',
    panel: panel('Uploads aborted'),
    unknownWithoutTraffic: RECORDED.uploadsAborted,
    signals: shareSignals(
      { ...gateway.uploadsAborted, labels: { reason: 'upstream' } },
      [uploads],
      BOUNDS.uploads_aborted,
      {
        ...GATEWAY,
        partOfRest: false,
        others: ofClients(gateway.uploadsAborted),
      },
    ),
    faults: [],
    unproduced:
      'A full or failed disk refuses an upload before its first byte: it takes one that fails in the middle, again and again.',
  },
  {
    ...TICKET,
    name: 'DownloadsAborted',
    expr: () => RECORDED.downloadsAborted,
    bound: BOUNDS.downloads_aborted,
    forSeconds: 5 * MINUTE,
    format: 'percentage',
    summary: ({ instance }, value) => `${value} of the downloads at ${instance} broke off in storage.`,
    impact: 'Clients hold half an object; a range request continues it.',
    panel: panel('Downloads aborted'),
    unknownWithoutTraffic: RECORDED.downloadsAborted,
    signals: shareSignals(
      { ...gateway.downloadsAborted, labels: { reason: 'upstream' } },
      [downloads],
      BOUNDS.downloads_aborted,
      { ...GATEWAY, partOfRest: false, others: ofClients(gateway.downloadsAborted) },
    ),
    faults: ['object_corrupted'],
  },
  {
    ...TICKET,
    name: 'OmnigateFailing',
    expr: () => RECORDED.omnigateFailed,
    bound: BOUNDS.omnigate_failed,
    forSeconds: 2 * MINUTE,
    format: 'percentage',
    summary: ({ service, instance }, value) =>
      `${value} of the requests ${service} at ${instance} judges fail at a call of its own.`,
    impact: 'Reads by name fail: the index does not answer it.',
    panel: { board: 'macronode-omnigate', title: 'Failed own calls' },
    unknownWithoutTraffic: RECORDED.omnigateFailed,
    signals: shareSignals(
      { ...omnigate.requests, labels: { subject: 'omnigate.name', result: 'failed' } },
      [{ ...omnigate.requests, labels: { subject: 'omnigate.name', result: 'forwarded' } }],
      BOUNDS.omnigate_failed,
      { service: 'omnigate' },
    ),
    faults: ['index_paused'],
  },
];
