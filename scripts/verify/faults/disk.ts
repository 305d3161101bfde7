import { chmodSync, closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultName } from '../../../grafana/faults.ts';
import { injectedCalls, SYNCS } from '../../rig/injected-calls.ts';
import { repeating } from '../../rig/mend.ts';
import { type FaultDriver, LATENCY } from './driver.ts';

/** Changes one bit near the end of a stored object. */
function corrupt(folder: string, id: string): void {
  const hex = id.slice('b3:'.length);
  const file = join(folder, 'objects', hex.slice(0, 2), hex.slice(2, 4), hex);
  chmodSync(file, 0o640);
  const descriptor = openSync(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    const at = 190_000;
    readSync(descriptor, byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ 1;
    writeSync(descriptor, byte, 0, 1, at);
  } finally {
    closeSync(descriptor);
  }
}

/** The disk of storage, and what lies on it. */
export const diskFaults = {
  disk_full: {
    what: 'the disk of storage full but for 64 MiB',
    holdSeconds: 110,
    make: async ({ storageDisk }) => {
      if (!storageDisk) throw new Error('storage has no disk of its own here: it takes root to mount one');
      storageDisk.leave(64 * 1024 ** 2);
      return async () => storageDisk.restore();
    },
    beside: ['AvailabilityBudgetBurn', 'AdmissionBudgetBurn'],
  },
  disk_failing: {
    what: 'fsync of storage fails (EIO)',
    holdSeconds: 40,
    make: async (rig) => {
      const end = await injectedCalls(rig.process('storage').pid, SYNCS, 'error=EIO');
      return async () => {
        await end();
        await rig.process('storage').end('SIGTERM');
        await rig.process('storage').start();
      };
    },
    beside: [
      'AvailabilityBudgetBurn',
      'AdmissionBudgetBurn',
      'ServiceReadOnly',
      'UploadsAborted',
      'TargetDown',
      ...LATENCY,
    ],
  },
  disk_slow: {
    what: 'every fsync of storage takes 400 ms longer',
    holdSeconds: 130,
    make: (rig) => injectedCalls(rig.process('storage').pid, SYNCS, 'delay_exit=400000'),
    beside: ['ObjectGetLatencyBudgetBurn', 'GatewayNearCapacity', 'AdmissionBudgetBurn'],
  },
  object_corrupted: {
    what: 'one bit of a stored object changed, and the object read again and again',
    holdSeconds: 110,
    make: async ({ dataDir }, client) => {
      const ids: string[] = [];
      for (let i = 0; i < 200; i += 1) ids.push(await client.put(200_000));
      for (const id of ids) corrupt(join(dataDir, 'storage'), id);
      let next = 0;
      return repeating(async () => {
        await client.get(ids[next++ % ids.length] ?? '');
        await delay(300);
      });
    },
    beside: ['AvailabilityBudgetBurn'],
  },
} satisfies Partial<Record<FaultName, FaultDriver>>;
