import { readFileSync } from 'node:fs';
import { InProcessLink, type Link, redisAddress, RedisLink } from '@macronode/bus';
import type { MetricsScope } from '@macronode/metrics';
import { type CommonConfig, placementTable } from './common-config.ts';
import { ConfigError } from './config.ts';
import type { Logger } from './logging.ts';

/** A node does not give up on its Redis: it stays unready and connects as soon as it can. The longest timer there is. */
const FOREVER_MS = 2_147_483_647;

const QUIET = new Set(['moved', 'reconnected', 'reclaimed', 'consumers_removed']);
/** As frequent as traffic at a bound, and counted: not for the log of every day. */
const FREQUENT = new Set(['hints_trimmed', 'pending_limited']);

/** The medium the settings ask for. */
export function createLink(config: CommonConfig, name: string, metrics: MetricsScope, log: Logger): Link {
  if (config.busLink === 'in-process' || config.redisUrl === undefined) return new InProcessLink({ metrics });
  return new RedisLink({
    url: config.redisUrl,
    tls: tlsOf(config),
    shards: config.redisShards,
    placement: placementTable(config.redisPlacement),
    name,
    metrics,
    timings: { start: FOREVER_MS },
    onEvent: ({ type, ...event }) => {
      log[FREQUENT.has(type) ? 'debug' : QUIET.has(type) ? 'info' : 'warn'](
        { link_event: type, ...event },
        'redis link',
      );
    },
  });
}

/** Where the Redis is: every host, without user and password. */
export function linkAddress(config: CommonConfig): string {
  if (config.busLink === 'in-process' || config.redisUrl === undefined) return 'in-process';
  return redisAddress(config.redisUrl);
}

function tlsOf(config: CommonConfig): { ca?: string; cert?: string; key?: string; servername?: string } | undefined {
  const { redisTlsCa, redisTlsCert, redisTlsKey, redisTlsServername } = config;
  const tls = {
    ...(redisTlsCa === undefined ? {} : { ca: pem('REDIS_TLS_CA', redisTlsCa) }),
    ...(redisTlsCert === undefined ? {} : { cert: pem('REDIS_TLS_CERT', redisTlsCert) }),
    ...(redisTlsKey === undefined ? {} : { key: pem('REDIS_TLS_KEY', redisTlsKey) }),
    ...(redisTlsServername === undefined ? {} : { servername: redisTlsServername }),
  };
  return Object.keys(tls).length === 0 ? undefined : tls;
}

function pem(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([
      `${variable} names a file that cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    ]);
  }
}
