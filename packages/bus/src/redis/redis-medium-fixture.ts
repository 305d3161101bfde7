import type { MetricsScope } from '@macronode/metrics';
import { Redis } from 'ioredis';
import type { Medium, MediumOptions } from '../conformance/conformance-world.ts';
import { parseRedisEndpoint } from './redis-endpoint.ts';
import { RedisLink } from './redis-link.ts';
import type { RedisLinkTimings } from './redis-options.ts';

export interface RedisMediumOptions {
  /** Where links find Redis. */
  readonly url: string;
  /** Where the fixture itself looks at it and cleans up: every server that holds keys. */
  readonly adminUrls?: readonly string[];
  readonly namespace: string;
  readonly timings?: Partial<RedisLinkTimings>;
}

/** Times of tests: a killed process is missed within seconds, so that its peers' failures are seen. */
export const TEST_TIMINGS: Partial<RedisLinkTimings> = Object.freeze({
  block: 500,
  inboxLease: 1_000,
  inboxRenew: 300,
  presence: 1_000,
  heartbeat: 300,
});

/** The medium of the suites on Redis: a link of its own per bus, under a namespace of its own. */
export function redisMedium(
  { url, adminUrls = [url], namespace, timings }: RedisMediumOptions,
  { streamFrames, minIdleMs, pendingEntries }: MediumOptions,
  metrics: () => MetricsScope,
): Medium {
  const links: RedisLink[] = [];
  const admins = adminUrls.map(adminOf);
  return {
    link: async () => {
      const link = new RedisLink({
        url,
        namespace,
        name: namespace,
        metrics: metrics(),
        bounds: {
          ...(streamFrames === undefined ? {} : { streamFrames }),
          ...(pendingEntries === undefined ? {} : { groupPendingEntries: pendingEntries }),
        },
        timings: { ...TEST_TIMINGS, ...reclaimingAfter(minIdleMs), ...timings },
      });
      links.push(link);
      await link.start();
      return link;
    },
    kill: async (bus, link) => {
      if (link instanceof RedisLink) link.abandon();
      await bus.close();
    },
    leftovers: async (living) => (await Promise.all(admins.map((admin) => leftovers(admin, namespace, living)))).flat(),
    close: async () => {
      await Promise.all(links.map((link) => link.close()));
      for (const admin of admins) {
        // One by one: keys of a cluster's node are of many slots.
        for (const key of await admin.keys(`${namespace}:*`)) await admin.del(key);
        admin.disconnect();
      }
    },
  };
}

/** A connection of the fixture's own: to one server, or to the primary that Sentinel names. */
function adminOf(url: string): Redis {
  const patient = { lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: () => 20 };
  const { kind, nodes, master } = parseRedisEndpoint(url);
  const sentinels = { sentinels: [...nodes], name: master, sentinelRetryStrategy: () => 20 };
  const admin = kind === 'sentinel' ? new Redis({ ...patient, ...sentinels }) : new Redis(url, patient);
  admin.on('error', () => undefined);
  return admin;
}

/** Timings under which what a silent consumer left is soon taken over, and its name removed. */
export function reclaimingAfter(minIdleMs: number | undefined): Partial<RedisLinkTimings> {
  if (minIdleMs === undefined) return {};
  const every = minIdleMs / 4;
  return { reclaimMinIdle: minIdleMs, reclaimEvery: every, reclaimIdleEvery: every, janitorEvery: minIdleMs };
}

/** What settled streams and instances that are gone left in Redis. */
async function leftovers(admin: Redis, namespace: string, living: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const key of await admin.keys(`${namespace}:*`)) {
    const kind = key.split(':')[2];
    if (kind === 'in') {
      if (!living.some((instance) => key.endsWith(`:${instance}`))) left.push(`${key} is there`);
    } else if (kind === 'rq' || kind === 'ev') {
      const length = await admin.xlen(key);
      if (length > 0) left.push(`${key} holds ${length}`);
      left.push(...(await groupLeftovers(admin, key, living)));
    }
  }
  return left;
}

async function groupLeftovers(admin: Redis, key: string, living: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const group of fieldsOf(await admin.xinfo('GROUPS', key))) {
    const name = String(group.get('name'));
    if (Number(group.get('pending')) > 0) left.push(`${key}: ${String(group.get('pending'))} pending in ${name}`);
    for (const consumer of fieldsOf(await admin.xinfo('CONSUMERS', key, name))) {
      const instance = String(consumer.get('name'));
      if (!living.includes(instance)) left.push(`${key}: ${name} still has the consumer ${instance}`);
    }
  }
  return left;
}

/** Rows of XINFO, each a flat list of names and values. */
function fieldsOf(reply: unknown): Map<string, unknown>[] {
  return (reply as unknown[][]).map((row) => {
    const fields = new Map<string, unknown>();
    for (let at = 0; at + 1 < row.length; at += 2) fields.set(String(row[at]), row[at + 1]);
    return fields;
  });
}
