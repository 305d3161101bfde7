import { setTimeout as delay } from 'node:timers/promises';
import { ROUTES } from '@macronode/contracts';
import type { FaultName } from '../../../grafana/faults.ts';
import { startAmnesia } from '../amnesia.ts';
import { everything } from '../../rig/client.ts';
import { idleConnections } from '../../rig/idle-connections.ts';
import { repeating } from '../../rig/mend.ts';
import type { FaultDriver } from './driver.ts';

/** Users, more of them than there is room for, or up to no good. */
export const userFaults = {
  mailbox_without_receivers: {
    what: 'messages to a topic nobody receives from, from the beginning of the run',
    holdSeconds: 360,
    make: async (_rig, client) => {
      await client.send('nobody');
      return async () => client.acknowledge(await client.receive('nobody', 60_000));
    },
    beside: [],
  },
  mailbox_poison: {
    what: 'messages received and never acknowledged',
    holdSeconds: 130,
    make: async (_rig, client) =>
      repeating(async () => {
        await client.send('poison');
        const receipts = await client.receive('poison', 250);
        await delay(300);
        // Too late: the leases are over.
        await client.acknowledge(receipts);
      }),
    beside: [],
  },
  inflight_flood: {
    what: 'as many long polls as the gate of the gateway admits',
    holdSeconds: 110,
    make: async (_rig, client) => {
      let over = false;
      const poller = async (): Promise<void> => {
        while (!over) {
          await client.receive('never', 60_000, 5_000);
          await delay(50);
        }
      };
      const pollers = Array.from({ length: 64 }, poller);
      return async () => {
        over = true;
        await Promise.all(pollers);
      };
    },
    beside: ['AvailabilityBudgetBurn'],
  },
  descriptors_exhausted: {
    what: 'more idle connections than the gateway may hold, near its limit of descriptors',
    holdSeconds: 80,
    make: async ({ url }) => idleConnections(url, 360),
    beside: ['AvailabilityBudgetBurn'],
  },
  cold_start_burst: {
    what: 'the gateway started again, and three hundred requests at once',
    holdSeconds: 25,
    make: async (rig, client) => {
      await rig.process('gateway').end('SIGTERM');
      await rig.process('gateway').start();
      await Promise.all(Array.from({ length: 300 }, () => client.ask(ROUTES.openapi)));
      return () => Promise.resolve();
    },
    beside: [],
  },
  amnesia_memory: {
    what: 'a micronode in a memory limit of 512 MiB, filled with 150 MiB of objects it keeps in memory',
    holdSeconds: 25,
    make: startAmnesia,
    beside: [],
  },
  busy_burst: {
    what: 'six times the users for ten seconds',
    holdSeconds: 25,
    make: async (_rig, client) => {
      const until = performance.now() + 10_000;
      const user = async (number: number): Promise<void> => {
        for (let round = number; performance.now() < until; round += 1) await everything(client, round);
      };
      await Promise.all(Array.from({ length: 24 }, (_, number) => user(number)));
      return () => Promise.resolve();
    },
    beside: [],
  },
} satisfies Partial<Record<FaultName, FaultDriver>>;
