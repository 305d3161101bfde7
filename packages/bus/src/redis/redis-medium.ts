import type { Medium, OpenMedium } from '../conformance/conformance-world.ts';
import { uniqueNamespace } from './redis-fixture.ts';
import { RedisLink } from './redis-link.ts';
import type { RedisLinkOptions } from './redis-options.ts';

/** Links over one Redis for the conformance suite, each test under a namespace of its own. */
export function redisMedium(
  options: () => Pick<RedisLinkOptions, 'url' | 'tls' | 'shards'>,
  cleanUp: (namespace: string) => Promise<void> = () => Promise.resolve(),
): OpenMedium {
  return ({ streamFrames, minIdleMs }): Medium => {
    const namespace = uniqueNamespace();
    const links: RedisLink[] = [];
    return {
      link: async () => {
        const link = new RedisLink({
          ...options(),
          namespace,
          name: namespace,
          ...(streamFrames === undefined ? {} : { bounds: { streamFrames } }),
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
        await cleanUp(namespace);
      },
    };
  };
}
