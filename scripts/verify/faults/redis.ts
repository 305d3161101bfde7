import { setTimeout as delay } from 'node:timers/promises';
import type { FaultName } from '../../../grafana/faults.ts';
import { repeating } from '../../rig/mend.ts';
import { registryTraffic } from '../registry-traffic.ts';
import { type FaultDriver, OUTAGE } from './driver.ts';

const LINK = ['RedisUnreachable', 'BusReconnecting', 'BusOverflowing', 'BusDeliveryBudgetBurn', 'BusQueueWait'];

/** Redis and the network to it. */
export const redisFaults = {
  redis_stopped: {
    what: 'SIGKILL to Redis; it comes back with its append-only file',
    holdSeconds: 60,
    make: async (rig) => {
      process.kill(rig.redisPid(), 'SIGKILL');
      return async () => rig.startRedisAgain();
    },
    beside: [...OUTAGE, ...LINK, 'OmnigateFailing', 'UploadsAborted', 'DownloadsAborted'],
  },
  redis_paused: {
    what: 'SIGSTOP to Redis',
    holdSeconds: 60,
    make: async (rig) => {
      const pid = rig.redisPid();
      process.kill(pid, 'SIGSTOP');
      return async () => process.kill(pid, 'SIGCONT');
    },
    beside: [...OUTAGE, ...LINK, 'OmnigateFailing', 'UploadsAborted', 'DownloadsAborted', 'GatewayNearCapacity'],
  },
  redis_slow: {
    what: '60 ms of delay to and from Redis, while the registry is read too',
    holdSeconds: 110,
    make: async (rig) => {
      const stop = registryTraffic(rig);
      await rig.network.poison('latency', { latency: 60, jitter: 5 });
      return async () => {
        await rig.network.heal();
        await stop();
      };
    },
    beside: ['BusQueueWait', 'GatewayNearCapacity'],
  },
  redis_flapping: {
    what: 'every connection to Redis cut each second and a half',
    holdSeconds: 90,
    make: async ({ network }) =>
      repeating(async () => {
        await network.cut();
        await delay(200);
        await network.heal();
        await delay(1_300);
      }),
    beside: [
      ...OUTAGE,
      ...LINK,
      'OmnigateFailing',
      'UploadsAborted',
      'DownloadsAborted',
      'BusRedeliveries',
      'GatewayNearCapacity',
    ],
  },
} satisfies Partial<Record<FaultName, FaultDriver>>;
