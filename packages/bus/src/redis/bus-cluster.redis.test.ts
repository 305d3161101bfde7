import { afterAll, beforeAll, describe } from 'vitest';
import { busConformance } from '../conformance/conformance.ts';
import { RedisCluster } from './redis-cluster-fixture.ts';
import { uniqueNamespace } from './redis-fixture.ts';
import { redisMedium } from './redis-medium-fixture.ts';

describe('a cluster of three nodes', () => {
  let cluster: RedisCluster | undefined;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterAll(() => cluster?.dispose());
  busConformance('Redis Cluster', (options, metrics) =>
    redisMedium(
      { url: cluster?.url ?? '', adminUrls: cluster?.nodeUrls ?? [], namespace: uniqueNamespace() },
      options,
      metrics,
    ),
  );
});
