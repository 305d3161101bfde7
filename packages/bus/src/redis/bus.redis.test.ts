import { busConformance } from '../conformance/conformance.ts';
import { redisUrl, uniqueNamespace } from './redis-fixture.ts';
import { redisMedium } from './redis-medium-fixture.ts';

busConformance('Redis', (options, metrics) =>
  redisMedium({ url: redisUrl(), namespace: uniqueNamespace() }, options, metrics),
);
