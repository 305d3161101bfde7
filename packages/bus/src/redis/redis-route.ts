import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';
import { type RedisEndpoint, type RedisLogin, type RedisNode } from './redis-endpoint.ts';
import { backoffMs } from './redis-failures.ts';
import type { RedisTls } from './redis-options.ts';
import { asArray, asNumber, asText } from './redis-replies.ts';
import { pause } from './pause.ts';
import { slotOf } from './redis-slots.ts';
import { shardTag } from './stream-keys.ts';

/** Options of an ioredis client; the mapping of RESP3 replies is not one of ours. */
export type RouteOptions = Omit<RedisOptions, 'replyMapping'>;

/** Leads connections to the one server a shard stands on now. */
export interface RedisRoute {
  /** What an ioredis client needs to get there, and to get there again after the place has moved. */
  readonly client: RouteOptions;
  /** A server answered that the shard does not stand there (any more): the next connect asks anew. */
  moved(message: string): void;
}

/** Connections that open together share one answer of the directory, in ms. */
const FRESH_MS = 500;
/** Nodes of a cluster that are remembered beside the seeds (count). */
const KNOWN_MAX = 64;
/** One question to one server, in ms: the next one is asked when it says nothing. */
const ASK_MS = 1_000;
/** A socket that was ended and does not close is destroyed after this, in ms. */
const DISCONNECT_MS = 2_000;

interface AskOptions {
  readonly login: RedisLogin;
  readonly tls: ConnectionOptions | undefined;
}

/** Makes the routes of one link. Throws when TLS settings come with an address without TLS. */
export class RedisRoutes {
  readonly #endpoint: RedisEndpoint;
  readonly #tls: ConnectionOptions | undefined;
  readonly #directory: RedisDirectory | undefined;

  constructor(endpoint: RedisEndpoint, tls: RedisTls | undefined) {
    this.#endpoint = endpoint;
    if (tls !== undefined && !endpoint.tls) {
      throw new Error('TLS settings are given but the address has none: write rediss:// instead of redis://');
    }
    if ((tls?.cert === undefined) !== (tls?.key === undefined)) {
      throw new Error(
        `a TLS ${tls?.cert === undefined ? 'key is given without its certificate' : 'certificate is given without its key'}`,
      );
    }
    this.#tls = endpoint.tls ? { ...tls } : undefined;
    const { kind, login, sentinelLogin } = endpoint;
    const ask = { login: kind === 'sentinel' ? sentinelLogin : login, tls: this.#tls };
    if (kind === 'cluster') this.#directory = new ClusterDirectory(endpoint.nodes, ask);
    if (kind === 'sentinel') this.#directory = new SentinelDirectory(endpoint.nodes, endpoint.master, ask);
  }

  to(shard: number): RedisRoute {
    const { login, database, nodes } = this.#endpoint;
    const tls = this.#tls;
    const directory = this.#directory;
    const client: RouteOptions = { ...login, db: database, ...(tls === undefined ? {} : { tls }) };
    const [first] = nodes;
    if (directory === undefined) return { client: { ...client, ...first }, moved: () => undefined };
    const slot = slotOf(shardTag(shard));
    return {
      client: { ...client, Connector: connectorTo(() => directory.locate(slot), tls) },
      moved: (message) => directory.moved(message),
    };
  }
}

/** An ioredis connector that asks where to go on every connect, until it knows or is told to stop. */
function connectorTo(
  locate: () => Promise<RedisNode>,
  tls: ConnectionOptions | undefined,
): new (options: unknown) => AbstractConnector {
  return class extends AbstractConnector {
    constructor() {
      super(DISCONNECT_MS);
    }

    /** A replica that answers in the primary's place is left again. */
    override check(info: { readonly role?: string }): boolean {
      return info.role === undefined || info.role === 'master';
    }

    #connect = new AbortController();

    override disconnect(): void {
      super.disconnect();
      this.#connect.abort();
    }

    override async connect(emit: (type: string, error: Error) => void) {
      this.connecting = true;
      this.#connect = new AbortController();
      const node = await this.#located(emit, this.#connect.signal);
      const stream = tls === undefined ? connectTcp({ ...node }) : connectTls({ ...tls, ...node });
      this.stream = stream;
      stream.once('error', (error: Error) => {
        this.firstError = error;
      });
      return stream;
    }

    async #located(emit: (type: string, error: Error) => void, ended: AbortSignal): Promise<RedisNode> {
      for (let failures = 1; ; failures++) {
        let node: RedisNode | undefined;
        try {
          node = await locate();
        } catch (error) {
          if (!ended.aborted) emit('error', error instanceof Error ? error : new Error(String(error)));
          await pause(backoffMs(failures), ended);
        }
        if (ended.aborted) throw new Error('Connection is closed.');
        if (node !== undefined) return node;
      }
    }
  };
}

/** Knows where things stand, by asking. Answers are shared for a moment and never trusted longer. */
abstract class RedisDirectory {
  #answer: { readonly at: number; readonly value: Promise<unknown> } | undefined;

  abstract locate(slot: number): Promise<RedisNode>;

  moved(_message: string): void {
    this.#answer = undefined;
  }

  protected shared<T>(ask: () => Promise<T>): Promise<T> {
    const known = this.#answer;
    // One directory asks one kind of question, so the answer is of the type asked for.
    if (known !== undefined && performance.now() - known.at < FRESH_MS) return known.value as Promise<T>;
    const value = ask();
    const answer = { at: performance.now(), value };
    this.#answer = answer;
    value.catch(() => {
      if (this.#answer === answer) this.#answer = undefined;
    });
    return value;
  }
}

class SentinelDirectory extends RedisDirectory {
  readonly #master: string;
  readonly #options: AskOptions;
  #sentinels: readonly RedisNode[];

  constructor(sentinels: readonly RedisNode[], master: string, options: AskOptions) {
    super();
    this.#sentinels = sentinels;
    this.#master = master;
    this.#options = options;
  }

  override locate(): Promise<RedisNode> {
    return this.shared(() => this.#ask());
  }

  #ask(): Promise<RedisNode> {
    return firstAnswer(this.#sentinels, async (sentinel) => {
      const reply = await ask(sentinel, this.#options, 'sentinel', ['get-master-addr-by-name', this.#master]);
      const [host, port] = asArray(reply);
      if (host === undefined) throw new Error(`Sentinel knows no primary named ${this.#master}`);
      // Whoever answered is asked first the next time.
      this.#sentinels = [sentinel, ...this.#sentinels.filter((other) => other !== sentinel)];
      return { host: asText(host), port: asNumber(port) };
    });
  }
}

type SlotRange = readonly [from: number, to: number, master: RedisNode];

class ClusterDirectory extends RedisDirectory {
  readonly #seeds: readonly RedisNode[];
  readonly #options: AskOptions;
  #known: readonly RedisNode[] = [];

  constructor(seeds: readonly RedisNode[], options: AskOptions) {
    super();
    this.#seeds = seeds;
    this.#options = options;
  }

  override async locate(slot: number): Promise<RedisNode> {
    const ranges = await this.shared(() => this.#ask());
    const range = ranges.find(([from, to]) => from <= slot && slot <= to);
    if (range === undefined) throw new Error(`no node of the cluster serves slot ${slot}`);
    return range[2];
  }

  override moved(message: string): void {
    super.moved(message);
    // `MOVED 3999 10.0.0.7:6381`: that node knows the map this one is behind of.
    const target = /^MOVED \d+ (.+):(\d+)$/.exec(message);
    if (target?.[1] !== undefined && target[1] !== '') this.#remember([{ host: target[1], port: Number(target[2]) }]);
  }

  async #ask(): Promise<readonly SlotRange[]> {
    return firstAnswer([...this.#known, ...this.#seeds], async (node) => {
      const reply = asArray(await ask(node, this.#options, 'cluster', ['slots']));
      const ranges = reply.map((row): SlotRange => {
        const [from, to, master] = asArray(row);
        const [host, port] = asArray(master);
        // A node that does not know its own name is where it was found.
        return [asNumber(from), asNumber(to), { host: asText(host) || node.host, port: asNumber(port) }];
      });
      if (ranges.length === 0) throw new Error('the node serves no slots: it stands in no cluster yet');
      this.#remember([node, ...ranges.map(([, , master]) => master)]);
      return ranges;
    });
  }

  #remember(first: readonly RedisNode[]): void {
    const nodes = new Map([...first, ...this.#known].map((node) => [`${node.host} ${node.port}`, node]));
    this.#known = [...nodes.values()].slice(0, KNOWN_MAX);
  }
}

/** The answer of the first node that gives one; the error of the last when none does. */
async function firstAnswer<T>(nodes: readonly RedisNode[], from: (node: RedisNode) => Promise<T>): Promise<T> {
  let last: unknown = new Error('there is nobody to ask');
  for (const node of nodes) {
    try {
      return await from(node);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

/** One question over a connection of its own. */
async function ask(node: RedisNode, options: AskOptions, name: string, args: readonly string[]): Promise<unknown> {
  const { login, tls } = options;
  const client = new Redis({
    ...node,
    ...login,
    ...(tls === undefined ? {} : { tls }),
    protocol: 2,
    disableClientInfo: true,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    connectTimeout: ASK_MS,
    commandTimeout: ASK_MS,
    retryStrategy: () => null,
  });
  let why: Error | undefined;
  client.on('error', (error: Error) => {
    why = error;
  });
  try {
    return await client.callBuffer(name, [...args]);
  } catch (error) {
    // The queue is flushed with a word about itself; what happened is the error before it.
    throw why ?? error;
  } finally {
    client.disconnect();
  }
}
