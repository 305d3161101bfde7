import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultName } from '../../../grafana/faults.ts';
import { poll } from '../../poll.ts';
import { requireProgram } from '../../programs.ts';
import type { Rig } from '../rig.ts';
import { type FaultDriver, LATENCY, repeating } from './driver.ts';

const ATTACH_TIMEOUT_MS = 5_000;

/** Whether somebody traces a process, as the kernel says. */
const isTraced = (pid: string): boolean => !/^TracerPid:\t0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

/** System calls of storage that end as we say. */
async function injected(rig: Rig, inject: string): Promise<ChildProcess> {
  const strace = requireProgram('strace');
  const pid = String(rig.process('storage').pid);
  const calls = 'fsync,fdatasync';
  const args = ['-f', '-qq', '-o', '/dev/null', '-p', pid, '-e', `trace=${calls}`, '-e', `inject=${calls}:${inject}`];
  const child = spawn(strace, args, { stdio: 'ignore' });
  await poll('strace at storage', ATTACH_TIMEOUT_MS, () => {
    if (child.exitCode !== null) throw new Error(`strace could not attach to storage (exit code ${child.exitCode})`);
    return isTraced(pid);
  });
  return child;
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await gone;
}

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
      const strace = await injected(rig, 'error=EIO');
      return async () => {
        await endOf(strace);
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
    make: async (rig) => {
      const strace = await injected(rig, 'delay_exit=400000');
      return () => endOf(strace);
    },
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
