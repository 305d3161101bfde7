import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceName } from '@macronode/contracts';
import type { FaultName } from '../../../grafana/faults.ts';
import { stuttering } from '../../rig/rig-process.ts';
import type { Mend } from '../../rig/mend.ts';
import type { Rig } from '../rig.ts';
import { type FaultDriver, OUTAGE } from './driver.ts';

const killed =
  (service: ServiceName) =>
  async (rig: Rig): Promise<Mend> => {
    await rig.process(service).end('SIGKILL');
    return () => rig.process(service).start();
  };

const paused =
  (service: ServiceName) =>
  async (rig: Rig): Promise<Mend> => {
    rig.process(service).signal('SIGSTOP');
    return async () => rig.process(service).signal('SIGCONT');
  };

/** Processes that are killed, paused, started again and again, or kept busy. */
export const processFaults = {
  gateway_killed: { what: 'SIGKILL to the gateway', holdSeconds: 40, make: killed('gateway'), beside: OUTAGE },
  omnigate_killed: {
    what: 'SIGKILL to omnigate',
    holdSeconds: 60,
    make: killed('omnigate'),
    beside: [...OUTAGE, 'GatewayNearCapacity'],
  },
  omnigate_paused: {
    what: 'SIGSTOP to omnigate',
    holdSeconds: 60,
    make: paused('omnigate'),
    beside: [...OUTAGE, 'ServiceAbsent', 'GatewayNearCapacity', 'BusOverflowing', 'BusDeliveryBudgetBurn'],
  },
  storage_killed: {
    what: 'SIGKILL to storage',
    holdSeconds: 60,
    make: killed('storage'),
    beside: [...OUTAGE, 'UploadsAborted', 'DownloadsAborted', 'GatewayNearCapacity', 'ServiceAbsent'],
  },
  storage_paused: {
    what: 'SIGSTOP to storage',
    holdSeconds: 60,
    make: paused('storage'),
    beside: [...OUTAGE, 'UploadsAborted', 'DownloadsAborted', 'ServiceAbsent', 'GatewayNearCapacity'],
  },
  index_paused: {
    what: 'SIGSTOP to the index',
    holdSeconds: 60,
    make: paused('index'),
    beside: [...OUTAGE, 'ServiceAbsent', 'GatewayNearCapacity'],
  },
  mailbox_paused: {
    what: 'SIGSTOP to the mailbox',
    holdSeconds: 40,
    make: paused('mailbox'),
    beside: [...OUTAGE, 'ServiceAbsent', 'GatewayNearCapacity', 'MailboxLeasesExpire'],
  },
  restart_loop: {
    what: 'the index killed and started again five times',
    holdSeconds: 40,
    make: async (rig) => {
      for (let i = 0; i < 5; i += 1) {
        await rig.process('index').end('SIGKILL');
        await rig.process('index').start();
        // A start between two scrapes of the same process is not seen.
        await delay(1_500);
      }
      return () => Promise.resolve();
    },
    beside: [...OUTAGE, 'OmnigateFailing', 'TargetDown', 'ServiceAbsent'],
  },
  event_loop_stalled: {
    what: 'the gateway runs 400 ms of each second',
    holdSeconds: 110,
    make: async (rig) => stuttering(rig.process('gateway'), 600, 400),
    beside: ['ObjectPutLatencyBudgetBurn', 'TargetDown', 'GatewayAbsent', 'BusRedeliveries'],
  },
} satisfies Partial<Record<FaultName, FaultDriver>>;
