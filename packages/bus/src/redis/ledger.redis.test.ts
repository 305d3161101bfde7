import { ledgerConformance } from '../conformance/conformance-ledger.ts';
import { redisUrl, uniqueNamespace } from './redis-fixture.ts';
import { redisMedium } from './redis-medium-fixture.ts';

ledgerConformance('Redis', (options, metrics) =>
  redisMedium({ url: redisUrl(), namespace: uniqueNamespace() }, options, metrics),
);
