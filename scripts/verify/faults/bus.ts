import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { FaultName } from '../../../grafana/faults.ts';
import { repeating } from '../../rig/mend.ts';
import { type FaultDriver, LATENCY } from './driver.ts';

/** What services do to each other over the bus. */
export const busFaults = {
  bus_overflow: {
    what: 'six thousand callers of a service whose two handlers take 50 ms',
    holdSeconds: 110,
    make: async ({ probe }) => {
      const stop = probe.flood();
      return async () => stop();
    },
    beside: ['BusStuckConsumer', ...LATENCY],
  },
  hint_reader_slow: {
    what: 'hints faster than their reader handles them',
    holdSeconds: 60,
    make: async ({ probe }) => {
      const stop = probe.slowReader();
      return async () => stop();
    },
    beside: LATENCY,
  },
  handler_hangs: {
    what: 'a handler that does not come back for a minute',
    holdSeconds: 90,
    make: async ({ probe }) => {
      probe.hang(55_000);
      return () => Promise.resolve();
    },
    beside: [],
  },
  poison_entries: {
    what: 'entries that are no frames in the stream of storage',
    holdSeconds: 30,
    make: async ({ redis }) => {
      const client = new Redis(redis.url, { maxRetriesPerRequest: 3 });
      const stop = repeating(async () => {
        await client.xadd('bus:{b0}:rq:storage:fast', '*', 'n', '1', 'f', 'not a frame');
        await delay(500);
      });
      return async () => {
        await stop();
        client.disconnect();
      };
    },
    beside: [],
  },
} satisfies Partial<Record<FaultName, FaultDriver>>;
