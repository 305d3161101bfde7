/** One server as it is reached. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** User and password of an ACL; both absent where the server asks for none. */
export interface RedisLogin {
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Where Redis stands, as one address says it. */
export interface RedisEndpoint {
  readonly kind: 'standalone' | 'sentinel' | 'cluster';
  /** The server, the Sentinels, or the nodes of a cluster that are asked first (count: at most 16). */
  readonly nodes: readonly RedisNode[];
  readonly tls: boolean;
  /** Of the servers that hold the data. */
  readonly login: RedisLogin;
  /** Number of the database; 0 on a cluster. */
  readonly database: number;
  /** Name Sentinel knows the primary by; empty without Sentinel. */
  readonly master: string;
  /** Of the Sentinels themselves. */
  readonly sentinelLogin: RedisLogin;
}

/** An address that cannot be read. Says what to write instead, and never repeats the address: it may hold a password. */
export class RedisAddressError extends Error {
  override readonly name = 'RedisAddressError';
}

/** Schemes of an address, without the colon. */
export const REDIS_SCHEMES = Object.freeze([
  'redis',
  'rediss',
  'redis+sentinel',
  'rediss+sentinel',
  'redis+cluster',
  'rediss+cluster',
] as const);

/** Servers one address may name (count): seeds to begin with, not a list of the fleet. */
const NODES_MAX = 16;
const PORTS = Object.freeze({ standalone: 6379, sentinel: 26_379, cluster: 6379 });
const EXAMPLES = Object.freeze({
  standalone: 'redis://user:password@redis:6379/0',
  sentinel: 'redis+sentinel://user:password@sentinel-1:26379,sentinel-2:26379/mymaster',
  cluster: 'redis+cluster://user:password@node-1:6379,node-2:6379',
});

const ADDRESS = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const NODE = /^(?:\[([0-9a-f:.%]+)\]|([^\s[\]:]+))(?::(\d{1,5}))?$/i;
const SENTINEL_QUERY = new Set(['sentinel_username', 'sentinel_password', 'db']);

/**
 * Reads `redis://`, `redis+sentinel://host,host/<master>` and `redis+cluster://host,host`, each also with `rediss` for
 * TLS. User and password are percent-encoded; `?sentinel_username=…&sentinel_password=…` are those of the Sentinels, and
 * `?db=` their database. Throws `RedisAddressError`.
 */
export function parseRedisEndpoint(address: string): RedisEndpoint {
  const match = ADDRESS.exec(address.trim());
  if (match === null) {
    throw new RedisAddressError(`is not a Redis address: write ${Object.values(EXAMPLES).join(' or ')}`);
  }
  const [, scheme, topology, login, hosts = '', path = '', query = ''] = match;
  const kind = topology === 'sentinel' || topology === 'cluster' ? topology : 'standalone';
  const nodes = readNodes(hosts, kind);
  const options = new URLSearchParams(query);
  const foreign = [...options.keys()].find((name) => kind !== 'sentinel' || !SENTINEL_QUERY.has(name));
  if (foreign !== undefined) {
    throw new RedisAddressError(
      kind === 'sentinel'
        ? `has an option that is not known: only ${[...SENTINEL_QUERY].join(', ')} are`
        : `takes no options behind a question mark: write ${EXAMPLES[kind]}`,
    );
  }
  const name = decoded(path);
  if (kind === 'sentinel' && (name === '' || name.includes('/'))) {
    throw new RedisAddressError(`must name the primary behind the hosts: write ${EXAMPLES.sentinel}`);
  }
  if (kind === 'cluster' && name !== '') {
    throw new RedisAddressError(`names a database, and a cluster has only one: write ${EXAMPLES.cluster}`);
  }
  return Object.freeze({
    kind,
    nodes,
    tls: scheme === 'rediss',
    login: readLogin(login),
    database: readDatabase(kind === 'sentinel' ? (options.get('db') ?? '') : name),
    master: kind === 'sentinel' ? name : '',
    sentinelLogin: {
      username: options.get('sentinel_username') ?? undefined,
      password: options.get('sentinel_password') ?? undefined,
    },
  });
}

/** The address as it may be logged: every host, and neither user nor password. */
export function redisAddress(address: string): string {
  const { kind, nodes, tls, master, database } = parseRedisEndpoint(address);
  const scheme = `${tls ? 'rediss' : 'redis'}${kind === 'standalone' ? '' : `+${kind}`}`;
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join();
  const path = kind === 'sentinel' ? `/${master}` : database === 0 ? '' : `/${database}`;
  return `${scheme}://${hosts}${path}`;
}

function readNodes(hosts: string, kind: RedisEndpoint['kind']): readonly RedisNode[] {
  const nodes = hosts.split(',').map((text) => {
    const match = NODE.exec(text);
    const port = Number(match?.[3] ?? PORTS[kind]);
    if (match === null || port < 1 || port > 65_535) {
      throw new RedisAddressError(`has a host that is not host or host:port: write ${EXAMPLES[kind]}`);
    }
    return Object.freeze({ host: match[1] ?? match[2] ?? '', port });
  });
  if (kind === 'standalone' && nodes.length > 1) {
    throw new RedisAddressError(
      `names several hosts, which is a Sentinel or a cluster: write ${EXAMPLES.sentinel} or ${EXAMPLES.cluster}`,
    );
  }
  if (nodes.length > NODES_MAX)
    throw new RedisAddressError(`names more than ${NODES_MAX} hosts: a few seeds are enough`);
  return Object.freeze(nodes);
}

function readLogin(text: string | undefined): RedisLogin {
  if (text === undefined || text === '') return { username: undefined, password: undefined };
  const colon = text.indexOf(':');
  if (colon < 0) throw new RedisAddressError('names a user without a password: write user:password@ or :password@');
  const [username, password] = [decoded(text.slice(0, colon)), decoded(text.slice(colon + 1))];
  return { username: username === '' ? undefined : username, password };
}

function readDatabase(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,3}$/.test(text))
    throw new RedisAddressError(`names a database that is no number: write ${EXAMPLES.standalone}`);
  return Number(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RedisAddressError('is not percent-encoded: write % as %25, @ as %40, / as %2F and : as %3A');
  }
}
