/** A public HTTP route. Imports nothing, so that load scripts can read it. */
export interface Route {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Path template, parameters in braces (RFC 6570 level 1, as OpenAPI writes it). Also the `route` label of metrics. */
  readonly template: string;
  readonly summary: string;
  /** Its last parameter takes the rest of the path, slashes included. */
  readonly rest?: true;
}

const route = (method: Route['method'], template: string, summary: string): Route =>
  Object.freeze({ method, template, summary });
const restRoute = (method: Route['method'], template: string, summary: string): Route =>
  Object.freeze({ method, template, summary, rest: true });

/** The public surface of the gateway, every route once. */
export const ROUTES = Object.freeze({
  objectCreate: route('POST', '/o', 'Store bytes; the answer names their id'),
  objectPut: route('PUT', '/o/{id}', 'Store bytes under the id they must hash to'),
  objectGet: route('GET', '/o/{id}', 'Read an object, whole or one range of it'),
  objectHead: route('HEAD', '/o/{id}', 'The headers of an object'),
  nameGet: route('GET', '/names/{name}', 'The signed record of a name'),
  namePut: route('PUT', '/names/{name}', 'Publish a record for a name'),
  nameRead: route('GET', '/n/{name}', 'Resolve a name and read the object it points to'),
  nameHead: route('HEAD', '/n/{name}', 'Resolve a name; the headers of its object'),
  mailboxSend: route('POST', '/mailbox/send', 'Send a message to a topic'),
  mailboxRecv: route('POST', '/mailbox/recv', 'Lease messages of a topic'),
  mailboxAck: route('POST', '/mailbox/ack', 'Acknowledge leased messages'),
  registryHead: route('GET', '/registry/head', 'The newest version of the registry'),
  registryEntry: route('GET', '/registry/{version}', 'One version, for ever the same'),
  registryProof: route('GET', '/registry/{version}/proof', 'That a version is in the log: a proof for outside tools'),
  registryLog: route('GET', '/registry/log', 'Versions in order, one a line'),
  registryConsistency: route('GET', '/registry/consistency', 'That a log of one size continues one of another'),
  registryCheckpoint: route('GET', '/registry/tlog/checkpoint', 'The signed checkpoint'),
  registryTile: restRoute('GET', '/registry/tlog/tile/{tile}', 'A tile of hashes, or a bundle of entries'),
  registryStream: route('GET', '/registry/stream', 'Commits as they happen, as server-sent events'),
  registrySigners: route('GET', '/registry/signers', 'Who may approve, and the keys the log signs with'),
  registryProposals: route('GET', '/registry/proposals', 'Proposals that are open'),
  registryProposal: route('GET', '/registry/proposals/{id}', 'One proposal with its payload'),
  registryAudit: route('GET', '/registry/audit', 'What was asked and what became of it, as a chain'),
  registryPropose: route('POST', '/registry/proposals', 'Propose the next version'),
  registryApprove: route('POST', '/registry/approvals/{id}', 'Approve a proposal'),
  registryCommit: route('POST', '/registry/commit/{id}', 'Commit a proposal that has its quorum'),
  registryFreeze: route('POST', '/registry/freeze', 'Stop the writes'),
  registryThaw: route('POST', '/registry/thaw', 'Take writes again'),
  registryAddCheckpoint: route(
    'POST',
    '/registry/witness/add-checkpoint',
    'Have a checkpoint of another log witnessed',
  ),
  echo: route('POST', '/echo', 'The bytes sent, back from every service behind the gateway'),
  openapi: route('GET', '/openapi.json', 'This surface as OpenAPI 3.1'),
} satisfies Record<string, Route>);

export type RouteName = keyof typeof ROUTES;

/** A route of the registry: answered by the gateway and by the registry's own port. */
export type RegistryRouteName = Extract<RouteName, `registry${string}`>;

/** The routes of the registry alone. */
export const REGISTRY_ROUTES = Object.freeze(
  Object.fromEntries(Object.entries(ROUTES).filter(([name]) => name.startsWith('registry'))),
) as Readonly<Record<RegistryRouteName, Route>>;
