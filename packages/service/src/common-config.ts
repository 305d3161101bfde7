import { hostname } from 'node:os';
import {
  defaultShards,
  parseRedisEndpoint,
  REDIS_SCHEMES,
  RedisAddressError,
  RedisPlacement,
  SHARDS_MAX,
} from '@macronode/bus';
import { peerProblems, PEERS_PATTERN } from '@macronode/console';
import { type ConfigDeclaration, defineConfig } from './config.ts';
import { knob } from './knob.ts';
import { type Toggles, TOGGLES } from './toggles.ts';

export type Profile = 'micronode' | 'macronode';
export type LinkKind = 'redis' | 'in-process';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** The settings every process has. */
export interface CommonConfig extends Toggles {
  readonly busLink: LinkKind;
  readonly redisUrl: string | undefined;
  readonly redisTlsCa: string | undefined;
  readonly redisTlsCert: string | undefined;
  readonly redisTlsKey: string | undefined;
  readonly redisTlsServername: string | undefined;
  readonly redisShards: number | undefined;
  readonly redisPlacement: string | undefined;
  readonly dataDir: string | undefined;
  readonly opsHost: string;
  readonly opsPort: number;
  readonly opsPeers: string | undefined;
  readonly adminToken: string | undefined;
  readonly logLevel: LogLevel;
  readonly drainTimeoutMs: number;
  readonly drainGraceMs: number;
  readonly nodeId: string;
  readonly gitSha: string;
  readonly restarts: number;
  readonly otlpEndpoint: string | undefined;
  /** Share of traces, 0 to 1, as text. */
  readonly traceRatio: string;
}

/** Host names may hold what an address may not. */
function defaultNodeId(): string {
  const name = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name.slice(0, 63) || 'node';
}

/** What is wrong with an address, in words that follow its variable's name. */
function redisFault(text: string): string | undefined {
  try {
    parseRedisEndpoint(text);
    return undefined;
  } catch (error) {
    if (error instanceof RedisAddressError) return error.message;
    throw error;
  }
}

/** The pairs of `REDIS_PLACEMENT`. */
export function placementTable(text: string | undefined): Readonly<Record<string, number>> {
  const pairs = text === undefined ? [] : text.split(',').map((pair) => pair.split('='));
  return Object.fromEntries(pairs.map(([name = '', shard]) => [name, Number(shard)]));
}

function redisFaults(values: Partial<CommonConfig>): string[] {
  const { redisUrl, redisTlsCa, redisTlsCert, redisTlsKey, redisTlsServername, redisShards, redisPlacement } = values;
  if (redisUrl === undefined) return [];
  const { kind, tls } = parseRedisEndpoint(redisUrl);
  const problems: string[] = [];
  if (!tls && [redisTlsCa, redisTlsCert, redisTlsKey, redisTlsServername].some((value) => value !== undefined)) {
    problems.push('REDIS_TLS_… is set but REDIS_URL is without TLS: write rediss:// instead of redis://');
  }
  try {
    new RedisPlacement(redisShards ?? defaultShards(kind), placementTable(redisPlacement));
  } catch (error) {
    problems.push(
      `REDIS_PLACEMENT does not fit REDIS_SHARDS: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return problems;
}

/** Declares the common settings; the defaults that differ by process are given. */
export function commonConfig(defaults: { opsPort: number; busLink: LinkKind }): ConfigDeclaration<CommonConfig> {
  return defineConfig(
    'common',
    {
      busLink: knob.choice({
        env: 'BUS_LINK',
        choices: ['redis', 'in-process'],
        default: defaults.busLink,
        help: 'What carries the bus: Redis Streams, or this process itself.',
      }),
      redisUrl: knob.url({
        env: 'REDIS_URL',
        schemes: REDIS_SCHEMES,
        example: 'redis://127.0.0.1:6379',
        secret: true,
        check: redisFault,
        help: 'The Redis or Valkey that carries the bus: one server, redis+sentinel://host,host/primary, or redis+cluster://host,host.',
      }),
      redisTlsCa: knob.path({
        env: 'REDIS_TLS_CA',
        example: '/etc/macronode/redis-ca.pem',
        help: 'Authority that signed the certificate of Redis (PEM file). Not set: those Node.js trusts.',
      }),
      redisTlsCert: knob.path({
        env: 'REDIS_TLS_CERT',
        example: '/etc/macronode/redis-client.pem',
        help: 'Certificate of this client, where Redis asks for one (PEM file).',
      }),
      redisTlsKey: knob.path({
        env: 'REDIS_TLS_KEY',
        example: '/etc/macronode/redis-client-key.pem',
        help: 'Key of that certificate (PEM file).',
      }),
      redisTlsServername: knob.string({
        env: 'REDIS_TLS_SERVERNAME',
        example: 'redis.internal',
        help: 'Name the certificate of Redis must be for, where it is not the host of REDIS_URL.',
      }),
      redisShards: knob.int({
        env: 'REDIS_SHARDS',
        unit: 'count',
        min: 1,
        max: SHARDS_MAX,
        help: 'Shards the bus is spread over; the same number in every process. Not set: 8 on a cluster, else 1.',
        reason: 'A shard stands on one node, so a cluster wants more shards than nodes.',
      }),
      redisPlacement: knob.string({
        env: 'REDIS_PLACEMENT',
        pattern: /^[^=,\s]+=\d{1,2}(?:,[^=,\s]+=\d{1,2})*$/,
        accepts: 'name=shard pairs joined by commas',
        example: 'storage=3,object.stored=5',
        help: 'Shard of a service or a topic that shall not stand where its hash says; the same in every process.',
      }),
      dataDir: knob.path({
        env: 'DATA_DIR',
        example: '/var/lib/macronode',
        help: 'Where data is kept; each service has a folder in it. Not set: nothing is kept (amnesia).',
      }),
      opsHost: knob.string({
        env: 'OPS_HOST',
        default: '127.0.0.1',
        help: 'Address of the ops port.',
        reason: 'Loopback, because the ops port is never public.',
      }),
      opsPort: knob.int({
        env: 'OPS_PORT',
        default: defaults.opsPort,
        unit: 'port',
        min: 0,
        max: 65_535,
        help: 'Ops port: /healthz, /readyz, /version, /metrics, /console. 0 takes a free one.',
      }),
      opsPeers: knob.string({
        env: 'OPS_PEERS',
        pattern: PEERS_PATTERN,
        accepts: 'name=http://host:port pairs joined by commas',
        example: 'storage=http://127.0.0.1:9083,mailbox=http://127.0.0.1:9084',
        help: 'Ops ports of other processes that /console shows beside this one. Not set: only this one.',
        reason: 'This process may be in the list and is shown once, so that one list serves all.',
      }),
      adminToken: knob.string({
        env: 'ADMIN_TOKEN',
        secret: true,
        pattern: /^[!-~]{16,512}$/,
        accepts: '16 to 512 visible ASCII characters',
        example: 'a-long-random-secret',
        help: 'Asked for by the /admin routes and /debug/tasks of the ops port, as a bearer token. Not set: they are turned off.',
        reason: 'Off by default, because these routes change what the node holds, or show what it waits for.',
      }),
      logLevel: knob.choice({
        env: 'LOG_LEVEL',
        choices: ['debug', 'info', 'warn', 'error', 'silent'],
        default: 'info',
        help: 'Lines below this level are not written.',
      }),
      drainTimeoutMs: knob.int({
        env: 'DRAIN_TIMEOUT_MS',
        default: 8_000,
        unit: 'ms',
        min: 100,
        max: 600_000,
        help: 'Time to finish what is in flight after SIGTERM; what is left is cut.',
        reason: 'Longer than any request that is not a stream, shorter than the 10 s containers are given to stop.',
      }),
      drainGraceMs: knob.int({
        env: 'DRAIN_GRACE_MS',
        default: 0,
        unit: 'ms',
        min: 0,
        max: 60_000,
        help: 'Time between turning unready and closing the port.',
        reason: 'As long as a load balancer takes to see /readyz; 0 where the kernel spreads connections.',
      }),
      nodeId: knob.string({
        env: 'NODE_ID',
        default: defaultNodeId(),
        pattern: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
        accepts: '1 to 63 lower-case letters, digits and inner hyphens',
        example: 'node-a',
        help: 'Name of this node in addresses; stable over restarts.',
      }),
      gitSha: knob.string({ env: 'GIT_SHA', default: 'dev', help: 'Commit the build was made from.' }),
      restarts: knob.int({
        env: 'SERVICE_RESTARTS',
        default: 0,
        unit: 'count',
        min: 0,
        max: 1_000_000_000,
        help: 'Times the supervisor has started this process again; shown as service_restarts_total.',
      }),
      otlpEndpoint: knob.url({
        env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
        schemes: ['http', 'https'],
        example: 'http://127.0.0.1:4318',
        help: 'OpenTelemetry collector that takes traces (OTLP over HTTP). Not set: no traces, and nothing of it is loaded.',
      }),
      traceRatio: knob.string({
        env: 'OTEL_TRACES_SAMPLER_ARG',
        default: '0.1',
        pattern: /^(?:0(?:\.\d{1,6})?|1(?:\.0{1,6})?)$/,
        accepts: 'a share from 0 to 1',
        example: '0.1',
        help: 'Share of requests whose trace is sampled, where the caller has not decided; failed ones are exported always.',
        reason:
          'One in ten shows every route, and keeps export cheap. Every span is recorded whatever the share (about 0.3 ms of CPU a request), so that failures are kept.',
      }),
      ...TOGGLES,
    },
    {
      prefix: undefined,
      together: [['redisTlsCert', 'redisTlsKey']],
      check: (values) => [
        ...peerProblems(values.opsPeers),
        ...(values.busLink === 'redis' && values.redisUrl === undefined
          ? ['BUS_LINK is redis but REDIS_URL is not set. Example: REDIS_URL=redis://127.0.0.1:6379']
          : redisFaults(values)),
      ],
    },
  );
}
