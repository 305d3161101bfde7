// How each fault is made and mended. A driver answers what mends it; what follows from it is written beside the alerts.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, closeSync, openSync, readSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ROUTES, type ServiceName } from '@macronode/contracts';
import { Redis } from 'ioredis';
import type { FaultName } from '../../grafana/faults.ts';
import { ALERTS } from '../../grafana/rules/alerts.ts';
import { requireProgram } from '../programs.ts';
import { startAmnesia } from './amnesia.ts';
import { type Client, everything } from './client.ts';
import type { Rig } from './rig.ts';

type Mend = () => Promise<unknown>;

export interface FaultDriver {
  readonly what: string;
  /** Seconds it is kept up at most, waiting for what must follow. */
  readonly holdSeconds: number;
  readonly make: (rig: Rig, client: Client) => Promise<Mend>;
  /** May fire too: what depends on the thing that is broken. Anything else that fires is a finding. */
  readonly beside: readonly string[];
}

/** Alerts that have to fire: those that name the fault. */
export const expectedOf = (fault: FaultName): readonly string[] => [
  ...new Set(ALERTS.filter(({ faults }) => faults.includes(fault)).map(({ name }) => name)),
];

const LATENCY = ['ObjectGetLatencyBudgetBurn', 'ObjectPutLatencyBudgetBurn'];
const OUTAGE = ['AvailabilityBudgetBurn', 'AdmissionBudgetBurn', 'ServiceNotReady', 'BusOutcomeUnknown', ...LATENCY];
const LINK = ['RedisUnreachable', 'BusReconnecting', 'BusOverflowing', 'BusDeliveryBudgetBurn', 'BusQueueWait'];

/** Repeats something until it is told to stop; resolves then when the last of it is done. */
function repeating(work: () => Promise<unknown>): Mend {
  let over = false;
  const loop = (async () => {
    while (!over) await work();
  })();
  return async () => {
    over = true;
    await loop;
  };
}

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

/** A process that runs in turns: what the event loop does when something computes on it. */
const stuttering =
  (service: ServiceName, stoppedMs: number, runningMs: number) =>
  async (rig: Rig): Promise<Mend> => {
    const stop = repeating(async () => {
      rig.process(service).signal('SIGSTOP');
      await delay(stoppedMs);
      rig.process(service).signal('SIGCONT');
      await delay(runningMs);
    });
    return stop;
  };

/** System calls of storage that end as we say. */
async function injected(rig: Rig, inject: string): Promise<ChildProcess> {
  const strace = requireProgram('strace');
  const pid = String(rig.process('storage').pid);
  const calls = 'fsync,fdatasync';
  const args = ['-f', '-qq', '-o', '/dev/null', '-p', pid, '-e', `trace=${calls}`, '-e', `inject=${calls}:${inject}`];
  const child = spawn(strace, args, { stdio: 'ignore' });
  await delay(500);
  if (child.exitCode !== null) throw new Error(`strace could not attach to storage (exit code ${child.exitCode})`);
  return child;
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await gone;
}

/** All but a little of what is left of the disk of storage. */
function fillDisk(folder: string): string {
  const { bavail, bsize } = statfsSync(folder);
  const file = join(folder, 'filler');
  const descriptor = openSync(file, 'w');
  const zeros = Buffer.alloc(1024 * 1024);
  const keep = 64 * zeros.length;
  try {
    for (let left = bavail * bsize - keep; left > 0; left -= zeros.length) writeSync(descriptor, zeros);
  } finally {
    closeSync(descriptor);
  }
  return file;
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

/** So many connections that say nothing, opened a few at a time; those that are cut are opened again. */
function idleConnections(url: string, count: number): Mend {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  let over = false;
  const keep = (async () => {
    while (!over) {
      for (let i = 0; i < 40 && open.size < count; i += 1) {
        const socket = connect(Number(port), hostname);
        open.add(socket);
        socket.on('error', () => undefined);
        socket.once('close', () => open.delete(socket));
      }
      await delay(100);
    }
  })();
  return async () => {
    over = true;
    await keep;
    for (const socket of open) socket.destroy();
  };
}

const DRIVERS: Readonly<Record<FaultName, FaultDriver>> = {
  mailbox_without_receivers: {
    what: 'messages to a topic nobody receives from, from the beginning of the run',
    holdSeconds: 360,
    make: async (_rig, client) => {
      await client.send('nobody');
      return async () => client.acknowledge(await client.receive('nobody', 60_000));
    },
    beside: [],
  },
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
    what: '60 ms of delay to and from Redis',
    holdSeconds: 110,
    make: async ({ network }) => {
      await network.poison('latency', { latency: 60, jitter: 5 });
      return () => network.heal();
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
  event_loop_stalled: {
    what: 'the gateway runs 400 ms of each second',
    holdSeconds: 110,
    make: stuttering('gateway', 600, 400),
    beside: ['ObjectPutLatencyBudgetBurn', 'TargetDown', 'GatewayAbsent', 'BusRedeliveries'],
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
  disk_full: {
    what: 'the disk of storage filled but for 64 MiB',
    holdSeconds: 110,
    make: async ({ dataDir, hasOwnDisk }) => {
      if (!hasOwnDisk) throw new Error('storage has no disk of its own here: it takes root to mount one');
      const file = fillDisk(join(dataDir, 'storage'));
      return async () => rmSync(file);
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
};

export const driverOf = (fault: FaultName): FaultDriver => DRIVERS[fault];
