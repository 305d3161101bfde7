import { afterAll, beforeAll, describe } from 'vitest';
import { busConformance } from '../conformance/conformance.ts';
import { RedisCluster } from './redis-cluster-fixture.ts';
import { redisMedium } from './redis-medium.ts';

describe('a cluster of three nodes', () => {
  let cluster: RedisCluster | undefined;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterAll(() => cluster?.dispose());
  busConformance(
    'Redis Cluster',
    redisMedium(() => ({ url: cluster?.url ?? '' })),
  );
});
