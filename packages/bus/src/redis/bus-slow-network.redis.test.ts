import { afterAll, beforeAll, vi } from 'vitest';
import { busConformance } from '../conformance/conformance.ts';
import { redisUrl, uniqueNamespace } from './redis-fixture.ts';
import { redisMedium } from './redis-medium-fixture.ts';
import { ToxicNetwork } from './toxic-network-fixture.ts';

// What is promised does not depend on the network; only how long it may take does.
vi.setConfig({ testTimeout: 60_000 });

let network: ToxicNetwork;
beforeAll(async () => {
  network = await ToxicNetwork.to(redisUrl());
  await network.poison('latency', { latency: 5, jitter: 3 });
  await network.poison('slicer', { average_size: 16_384, size_variation: 4_096, delay: 10 });
});
afterAll(() => network.close());

busConformance('slow Redis', (options, metrics) =>
  redisMedium({ url: network.url, adminUrls: [redisUrl()], namespace: uniqueNamespace() }, options, metrics),
);
