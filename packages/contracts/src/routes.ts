/** Who answers a route. */
export type Upstream = 'storage' | 'index' | 'mailbox' | 'registry' | 'omnigate' | 'gateway';

/** A public HTTP route. Imports nothing, so that load scripts can read it. */
export interface Route {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Path template, parameters in braces (RFC 6570 level 1, as OpenAPI writes it). Also the `route` label of metrics. */
  readonly template: string;
  readonly summary: string;
  /** The service that answers it: the owner of what is asked for, omnigate where that is all of them, or the gateway itself. */
  readonly upstream: Upstream;
  /** Its last parameter takes the rest of the path, slashes included. */
  readonly rest?: true;
}

const route = (method: Route['method'], template: string, upstream: Upstream, summary: string): Route =>
  Object.freeze({ method, template, upstream, summary });
const restRoute = (method: Route['method'], template: string, upstream: Upstream, summary: string): Route =>
  Object.freeze({ method, template, upstream, summary, rest: true });

/** The public surface of the gateway, every route once. */
export const ROUTES = Object.freeze({
  objectCreate: route('POST', '/o', 'storage', 'Store bytes; the answer names their id'),
  objectPut: route('PUT', '/o/{id}', 'storage', 'Store bytes under the id they must hash to'),
  objectGet: route('GET', '/o/{id}', 'storage', 'Read an object, whole or one range of it'),
  objectHead: route('HEAD', '/o/{id}', 'storage', 'The headers of an object'),
  nameGet: route('GET', '/names/{name}', 'index', 'The signed record of a name'),
  namePut: route('PUT', '/names/{name}', 'index', 'Publish a record for a name'),
  nameRead: route('GET', '/n/{name}', 'storage', 'Resolve a name and read the object it points to'),
  nameHead: route('HEAD', '/n/{name}', 'storage', 'Resolve a name; the headers of its object'),
  mailboxSend: route('POST', '/mailbox/send', 'mailbox', 'Send a message to a topic'),
  mailboxRecv: route('POST', '/mailbox/recv', 'mailbox', 'Lease messages of a topic'),
  mailboxAck: route('POST', '/mailbox/ack', 'mailbox', 'Acknowledge leased messages'),
  registryHead: route('GET', '/registry/head', 'registry', 'The newest version of the registry'),
  registryEntry: route('GET', '/registry/{version}', 'registry', 'One version, for ever the same'),
  registryProof: route(
    'GET',
    '/registry/{version}/proof',
    'registry',
    'That a version is in the log: a proof for outside tools',
  ),
  registryLog: route('GET', '/registry/log', 'registry', 'Versions in order, one a line'),
  registryConsistency: route(
    'GET',
    '/registry/consistency',
    'registry',
    'That a log of one size continues one of another',
  ),
  registryCheckpoint: route('GET', '/registry/tlog/checkpoint', 'registry', 'The signed checkpoint'),
  registryTile: restRoute('GET', '/registry/tlog/tile/{tile}', 'registry', 'A tile of hashes, or a bundle of entries'),
  registryStream: route('GET', '/registry/stream', 'registry', 'Commits as they happen, as server-sent events'),
  registrySigners: route('GET', '/registry/signers', 'registry', 'Who may approve, and the keys the log signs with'),
  registryProposals: route('GET', '/registry/proposals', 'registry', 'Proposals that are open'),
  registryProposal: route('GET', '/registry/proposals/{id}', 'registry', 'One proposal with its payload'),
  registryAudit: route('GET', '/registry/audit', 'registry', 'What was asked and what became of it, as a chain'),
  registryPropose: route('POST', '/registry/proposals', 'registry', 'Propose the next version'),
  registryApprove: route('POST', '/registry/approvals/{id}', 'registry', 'Approve a proposal'),
  registryCommit: route('POST', '/registry/commit/{id}', 'registry', 'Commit a proposal that has its quorum'),
  registryFreeze: route('POST', '/registry/freeze', 'registry', 'Stop the writes'),
  registryThaw: route('POST', '/registry/thaw', 'registry', 'Take writes again'),
  registryAddCheckpoint: route(
    'POST',
    '/registry/witness/add-checkpoint',
    'registry',
    'Have a checkpoint of another log witnessed',
  ),
  echo: route('POST', '/echo', 'omnigate', 'The bytes sent, back from every service behind the gateway'),
  openapi: route('GET', '/openapi.json', 'gateway', 'This surface as OpenAPI 3.1'),
} satisfies Record<string, Route>);

export type RouteName = keyof typeof ROUTES;

/** A route of the registry: answered by the gateway and by the registry's own port. */
export type RegistryRouteName = Extract<RouteName, `registry${string}`>;

/** The routes of the registry alone. */
export const REGISTRY_ROUTES = Object.freeze(
  Object.fromEntries(Object.entries(ROUTES).filter(([name]) => name.startsWith('registry'))),
) as Readonly<Record<RegistryRouteName, Route>>;
