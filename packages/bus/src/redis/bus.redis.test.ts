import { Redis } from 'ioredis';
import { busConformance } from '../conformance/conformance.ts';
import { redisUrl, uniqueNamespace } from './redis-fixture.ts';
import { RedisLink } from './redis-link.ts';
import { StreamKeys } from './stream-keys.ts';

busConformance('Redis', ({ streamFrames, minIdleMs, pendingEntries }, metrics) => {
  const namespace = uniqueNamespace();
  const links: RedisLink[] = [];
  return {
    link: async () => {
      const link = new RedisLink({
        url: redisUrl(),
        namespace,
        name: namespace,
        metrics: metrics(),
        bounds: {
          ...(streamFrames === undefined ? {} : { streamFrames }),
          ...(pendingEntries === undefined ? {} : { groupPendingEntries: pendingEntries }),
        },
        timings: {
          block: 500,
          // A killed process is missed within seconds, so that its peers' failures are seen in a test.
          inboxLease: 1_000,
          inboxRenew: 300,
          presence: 1_000,
          heartbeat: 300,
          ...(minIdleMs === undefined
            ? {}
            : { reclaimMinIdle: minIdleMs, reclaimEvery: minIdleMs / 4, reclaimIdleEvery: minIdleMs / 4 }),
        },
      });
      links.push(link);
      await link.start();
      return link;
    },
    kill: async (bus, link) => {
      if (link instanceof RedisLink) link.abandon();
      await bus.close();
    },
    close: async () => {
      await Promise.all(links.map((link) => link.close()));
      const admin = new Redis(redisUrl());
      const keys = await admin.keys(new StreamKeys(namespace).everything);
      if (keys.length > 0) await admin.del(keys);
      admin.disconnect();
    },
  };
});
