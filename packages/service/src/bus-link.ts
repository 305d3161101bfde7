import { InProcessLink, type Link, RedisLink } from '@macronode/bus';
import type { MetricsScope } from '@macronode/metrics';
import type { CommonConfig } from './common-config.ts';
import type { Logger } from './logging.ts';

/** A node does not give up on its Redis: it stays unready and connects as soon as it can. The longest timer there is. */
const FOREVER_MS = 2_147_483_647;

const QUIET = new Set(['reconnected', 'reclaimed', 'consumers_removed']);
/** As frequent as traffic at a bound, and counted: not for the log of every day. */
const FREQUENT = new Set(['hints_trimmed', 'pending_limited']);

/** The medium the settings ask for. */
export function createLink(config: CommonConfig, name: string, metrics: MetricsScope, log: Logger): Link {
  if (config.busLink === 'in-process' || config.redisUrl === undefined) return new InProcessLink({ metrics });
  return new RedisLink({
    url: config.redisUrl,
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

/** Where the Redis is, without the password. */
export function linkAddress(config: CommonConfig): string {
  if (config.busLink === 'in-process' || config.redisUrl === undefined) return 'in-process';
  const url = new URL(config.redisUrl);
  return `${url.protocol}//${url.host}`;
}
