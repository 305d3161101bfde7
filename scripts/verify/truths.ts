// What panels have to say of a known load: every number as the clients counted it.
import { type RouteName, ROUTES } from '@macronode/contracts';
import type { Ledger } from '../rig/ledger.ts';

/** How a series is compared: what it counted, its share at the end, or how much higher it ended. */
type Kind = 'count' | 'share' | 'growth';

export interface Truth {
  readonly board: string;
  readonly panel: string;
  readonly legend: string;
  /** Labels of the one series that is meant; none where the query keeps none. */
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: Kind;
  readonly is: (ledger: Ledger) => number;
}

const OVERVIEW = 'macronode-overview';
const GATEWAY = 'macronode-gateway';
const OMNIGATE = 'macronode-omnigate';
const BUS = 'macronode-bus';
const STORAGE = 'macronode-storage';
const INDEX = 'macronode-index';
const MAILBOX = 'macronode-mailbox';
const REGISTRY = 'macronode-registry';
const MESH = 'macronode-mesh';

const PATHS = [...new Set(Object.values(ROUTES).map(({ method, template }) => `${method} ${template} `))];
const all = (ledger: Ledger): number => PATHS.reduce((sum, path) => sum + ledger.sum(path), 0);
/** Answers with one of these status codes. */
export const answersOf = (ledger: Ledger, ...codes: readonly number[]): number =>
  PATHS.flatMap((path) => codes.map((code) => ledger.of(`${path}${code}`))).reduce((sum, count) => sum + count, 0);
const asked = (ledger: Ledger, route: RouteName, code: number | '' = ''): number =>
  ledger.sum(`${ROUTES[route].method} ${ROUTES[route].template} ${code}`);

const count = (board: string, panel: string, legend: string, is: Truth['is'], labels: Truth['labels'] = {}): Truth => ({
  board,
  panel,
  legend,
  labels,
  kind: 'count',
  is,
});
const counted =
  (what: string): Truth['is'] =>
  (ledger) =>
    ledger.of(what);

const requests = (route: RouteName): Truth => {
  const { method, template } = ROUTES[route];
  return count(OVERVIEW, 'Requests', '{{method}} {{route}}', (ledger) => asked(ledger, route), {
    method,
    route: template,
  });
};
/** What one face of the registry answered. */
const faced = (service: string, route: RouteName, is: Truth['is']): Truth => {
  const { method, template } = ROUTES[route];
  return count(REGISTRY, 'Requests', '{{service}} {{method}} {{route}}', is, { service, method, route: template });
};
const answers = (code: number): Truth =>
  count(OVERVIEW, 'Answers by code', '{{code}}', (ledger) => answersOf(ledger, code), { code: String(code) });
const refusals = (reason: string, is: Truth['is']): Truth =>
  count(GATEWAY, 'Refusals by reason', '{{reason}}', is, { reason });

const errors: Truth = {
  board: OVERVIEW,
  panel: 'Errors',
  legend: '5xx',
  labels: {},
  kind: 'share',
  is: (ledger) => answersOf(ledger, 500, 502, 503, 504, 507) / all(ledger),
};
const refused: Truth = {
  ...errors,
  panel: 'Refused',
  legend: 'refused',
  is: (ledger) => answersOf(ledger, 429, 503) / all(ledger),
};

const claimsOfBoth = (ledger: Ledger): number => ledger.of('claims published') + ledger.of('claims of the peer');
/** How much higher a gauge of the gateway ended. */
const grown = (panel: string, is: Truth['is']): Truth => ({
  board: MESH,
  panel,
  legend: '{{instance}}',
  labels: {},
  kind: 'growth',
  is,
});
const ofMesh: readonly Truth[] = [
  count(MESH, 'Claims emitted', '{{instance}}', counted('claims published')),
  count(MESH, 'Envelopes by outcome', '{{reason}}', counted('claims of the peer'), { reason: 'merged' }),
  count(MESH, 'Lookups that hit', '{{instance}}', counted('lookups that hit')),
  count(MESH, 'Audit records', '{{kind}}', counted('claims published'), { kind: 'mesh_publish' }),
  count(MESH, 'Audit records', '{{kind}}', counted('claims of the peer'), { kind: 'mesh_receive' }),
  grown('Claims in the table', claimsOfBoth),
  grown('Clients known', claimsOfBoth),
];

/** Of a sound node under a load without a mistake. */
export const SOUND: readonly Truth[] = [
  ...(
    ['objectPut', 'objectGet', 'objectHead', 'namePut', 'nameGet', 'nameRead', 'mailboxSend', 'mailboxAck'] as const
  ).map(requests),
  ...[200, 201, 206, 404].map(answers),
  errors,
  count(OVERVIEW, 'Time to answer', '{{le}}', all, { le: '+Inf' }),
  count(GATEWAY, 'Requests', 'requests', all),
  count(GATEWAY, 'Bytes of bodies', '{{direction}}', counted('bytes in'), { direction: 'in' }),
  count(GATEWAY, 'Bytes of bodies', '{{direction}}', counted('bytes out'), { direction: 'out' }),
  count(GATEWAY, 'Writing an object', '{{le}}', (ledger) => asked(ledger, 'objectPut'), { le: '+Inf' }),
  count(OMNIGATE, 'Judged by subject', '{{subject}}', (ledger) => asked(ledger, 'namePut'), {
    subject: 'omnigate.name.put',
  }),
  count(OMNIGATE, 'Asking the index', '{{le}}', (ledger) => asked(ledger, 'nameRead'), { le: '+Inf' }),
  // Omnigate calls only the index, for a read by name; everything else it hands on.
  count(BUS, 'Calls by result', '{{service}} {{result}}', (ledger) => asked(ledger, 'nameRead'), {
    service: 'omnigate',
    result: 'ok',
  }),
  count(STORAGE, 'Objects stored by result', '{{result}}', counted('objects stored'), { result: 'created' }),
  count(STORAGE, 'Bytes in and out', 'in', counted('bytes in')),
  count(STORAGE, 'Bytes in and out', 'out', counted('bytes out')),
  count(STORAGE, 'Chunks', 'written', counted('chunks written')),
  count(STORAGE, 'Reads by range', '{{range}}', (ledger) => asked(ledger, 'objectGet', 206), { range: 'partial' }),
  count(INDEX, 'Publications by result', '{{result}}', counted('names created'), { result: 'created' }),
  { board: INDEX, panel: 'Names', legend: 'names', labels: {}, kind: 'growth', is: counted('names created') },
  count(MAILBOX, 'Flow of messages', 'accepted', counted('messages accepted')),
  count(MAILBOX, 'Flow of messages', 'delivered', counted('messages delivered')),
  count(MAILBOX, 'Flow of messages', 'acknowledged', counted('messages acknowledged')),
  count(MAILBOX, 'Operations', '{{op}}', (ledger) => asked(ledger, 'mailboxRecv'), { op: 'recv' }),
  faced('gateway', 'registryHead', (ledger) => asked(ledger, 'registryHead')),
  faced('gateway', 'registryEntry', (ledger) => asked(ledger, 'registryEntry')),
  faced('gateway', 'registryApprove', (ledger) => asked(ledger, 'registryApprove')),
  faced('registry', 'registryHead', counted('heads at the registry')),
  count(REGISTRY, 'Commits by result', '{{result}}', counted('versions committed'), { result: 'committed' }),
  count(REGISTRY, 'Versions by kind', '{{kind}}', counted('versions committed'), { kind: 'set' }),
  count(REGISTRY, 'Commit latency', '{{le}}', counted('versions committed'), { le: '+Inf' }),
  count(REGISTRY, 'Witnesses by answer', '{{result}}', counted('versions committed'), { result: 'cosigned' }),
  {
    board: REGISTRY,
    panel: 'Version',
    legend: 'version',
    labels: {},
    kind: 'growth',
    is: counted('versions committed'),
  },
  {
    board: REGISTRY,
    panel: 'Stream clients',
    legend: '{{service}} {{instance}}',
    labels: { service: 'gateway' },
    kind: 'growth',
    is: counted('streams at the gateway'),
  },
  {
    board: REGISTRY,
    panel: 'Stream clients',
    legend: '{{service}} {{instance}}',
    labels: { service: 'registry' },
    kind: 'growth',
    is: counted('streams at the registry'),
  },
  ...ofMesh,
];

/** Of a sound node whose users make mistakes, and of a stream somebody writes nonsense to. */
export const MISTAKEN: readonly Truth[] = [
  ...[400, 404, 409, 416, 422].map(answers),
  refusals('bad_id', (ledger) => asked(ledger, 'objectGet', 400)),
  refusals('not_found', (ledger) => asked(ledger, 'nameGet', 404)),
  refusals('digest_mismatch', (ledger) => asked(ledger, 'objectPut', 422)),
  refusals('range_not_satisfiable', (ledger) => asked(ledger, 'objectGet', 416)),
  refusals('stale_seq', (ledger) => asked(ledger, 'namePut', 409)),
  refusals('idempotency_mismatch', (ledger) => asked(ledger, 'mailboxSend', 422)),
  errors,
  count(STORAGE, 'Refused by reason', '{{reason}}', (ledger) => asked(ledger, 'objectPut', 422), {
    reason: 'digest_mismatch',
  }),
  count(INDEX, 'Publications by result', '{{result}}', (ledger) => asked(ledger, 'namePut', 409), {
    result: 'stale_seq',
  }),
  count(INDEX, 'Lookups by result', '{{result}}', (ledger) => asked(ledger, 'nameGet', 404), { result: 'not_found' }),
  count(MAILBOX, 'Repeated sends', '{{result}}', counted('sends repeated'), { result: 'answered' }),
  count(MAILBOX, 'Repeated sends', '{{result}}', (ledger) => asked(ledger, 'mailboxSend', 422), { result: 'mismatch' }),
  count(MAILBOX, 'Flow of messages', 'delivered again', counted('messages redelivered')),
  count(MAILBOX, 'Receipts refused', '{{reason}}', counted('receipts receipt_stale'), { reason: 'receipt_stale' }),
  count(MAILBOX, 'Receipts refused', '{{reason}}', counted('receipts not_found'), { reason: 'not_found' }),
  count(MAILBOX, 'Dead letters by reason', '{{reason}}', counted('messages put aside'), { reason: 'max_attempts' }),
  {
    ...count(MAILBOX, 'Messages held', '{{queue}}', counted('messages put aside'), { queue: 'dead' }),
    kind: 'growth',
  },
  count(REGISTRY, 'Refusals by reason', '{{reason}}', (ledger) => asked(ledger, 'registryCommit', 409), {
    reason: 'quorum_failed',
  }),
  count(REGISTRY, 'Commits by result', '{{result}}', (ledger) => asked(ledger, 'registryCommit', 409), {
    result: 'refused',
  }),
  {
    board: REGISTRY,
    panel: 'Open proposals',
    legend: '{{instance}}',
    labels: {},
    kind: 'growth',
    is: (ledger) => asked(ledger, 'registryPropose', 202),
  },
  count(MESH, 'Envelopes by outcome', '{{reason}}', counted('claims untrusted'), { reason: 'untrusted' }),
  count(MESH, 'Forged', '{{instance}}', counted('claims untrusted')),
  count(MESH, 'Trust list read again', '{{result}}', counted('trust lists kept'), { result: 'kept' }),
  count(BUS, 'Malformed entries', '{{service}}', counted('entries malformed'), { service: 'storage' }),
  count(BUS, 'Dead letters by reason', '{{service}} {{reason}}', counted('entries malformed'), {
    service: 'storage',
    reason: 'malformed',
  }),
];

/** Of a node with more long polls than it has places for. */
export const CROWDED: readonly Truth[] = [
  refused,
  answers(503),
  refusals('inflight_writes', counted('refused inflight_writes')),
  // The gateway has a word for its own bounds only: those behind it are all busy.
  refusals('busy', counted('refused waiters')),
  count(MAILBOX, 'Refused by bound', '{{bound}}', counted('refused waiters'), { bound: 'waiters' }),
];

/** Of a node that has lost a part. */
export const BROKEN: readonly Truth[] = [errors, refused, answers(502)];
