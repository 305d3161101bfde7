/** A public HTTP route. Imports nothing, so that load scripts can read it. */
export interface Route {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Path template, parameters in braces (RFC 6570 level 1, as OpenAPI writes it). Also the `route` label of metrics. */
  readonly template: string;
  readonly summary: string;
}

const route = (method: Route['method'], template: string, summary: string): Route =>
  Object.freeze({ method, template, summary });

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
  echo: route('POST', '/echo', 'The bytes sent, back from every service behind the gateway'),
  openapi: route('GET', '/openapi.json', 'This surface as OpenAPI 3.1'),
} satisfies Record<string, Route>);

export type RouteName = keyof typeof ROUTES;
