import { Redis } from 'ioredis';
import { busConformance } from '../conformance/conformance.ts';
import { redisUrl } from './redis-fixture.ts';
import { redisMedium } from './redis-medium.ts';
import { StreamKeys } from './stream-keys.ts';

busConformance(
  'Redis',
  redisMedium(
    () => ({ url: redisUrl() }),
    async (namespace) => {
      const admin = new Redis(redisUrl());
      const keys = await admin.keys(new StreamKeys(namespace).everything);
      if (keys.length > 0) await admin.del(keys);
      admin.disconnect();
    },
  ),
);
