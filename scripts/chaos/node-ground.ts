// What nodes of separate processes stand on: folders and disks of a run, ports, and what such a node tells of itself.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '@macronode/contracts';
import { ROOT } from '../bootstrap.mjs';
import { opsPortOffsets, type PlannedProcess, type PlanOptions, planProcesses } from '../plan.ts';
import { freePort, freePortBase } from '../ports.ts';
import { OwnDisk } from '../rig/own-disk.ts';
import type { SignerGroup } from '../rig/registry-signers.ts';
import type { RigProcesses } from '../rig/rig-process.ts';
import { isAlive } from '../run-state.ts';

export const RUN_DIR = join(ROOT, '.run', 'chaos');
/** Services on disks of their own. */
export const DISK_OWNERS = ['storage', 'mailbox', 'registry'] as const;
/** Folder with a disk for an audit log. */
export const AUDIT_DISK = 'audit';
export type DiskOwner = (typeof DISK_OWNERS)[number];

/** What is common to every node under a load. */
export interface Node extends AsyncDisposable {
  readonly url: string;
  /** Where clients ask, in turn: the same, or each of its gateways. */
  readonly fronts: readonly string[];
  /** Process ids of the services now. */
  pids(): readonly number[];
  /** Ops addresses of a service, replica by replica. */
  ops(service: ServiceName): readonly string[];
  /** Ops addresses of everything. */
  readonly everyOps: readonly string[];
  /** Where its log is asked for: the registry's own port where it has one, else a gateway. */
  readonly registryUrl: string;
  /** File with the signers the log began with. */
  readonly genesis: string;
  /** Whose log it is now; another group after a rotation. */
  signers: SignerGroup;
}

/** Folders of a node of this run, empty. Logs stay for reading until the next run, whatever came out. */
export function folders(kind: string): { readonly dataDir: string; readonly logDir: string } {
  mkdirSync(RUN_DIR, { recursive: true });
  for (const name of readdirSync(RUN_DIR)) {
    const pid = Number(name.split('-').at(-1));
    if (name === `${kind}-${process.pid}` || !isAlive(pid)) removeFolder(join(RUN_DIR, name));
  }
  const runDir = join(RUN_DIR, `${kind}-${process.pid}`);
  const [dataDir, logDir] = [join(runDir, 'data'), join(runDir, 'logs')];
  for (const dir of [dataDir, logDir]) mkdirSync(dir, { recursive: true });
  return { dataDir, logDir };
}

/** With the disks a run that was killed has left in it. */
function removeFolder(folder: string): void {
  for (const owner of [...DISK_OWNERS, AUDIT_DISK]) OwnDisk.unmount(join(folder, 'data', owner));
  rmSync(folder, { recursive: true, force: true });
}

interface Ground {
  readonly redisUrl: string;
  readonly dataDir: string;
  readonly registryPort: number;
  readonly replicas?: PlanOptions['replicas'];
}

export async function planOn({
  redisUrl,
  dataDir,
  registryPort,
  replicas = {},
}: Ground): Promise<readonly PlannedProcess[]> {
  const plan = planProcesses({
    replicas,
    opsPortBase: await freePortBase(opsPortOffsets(replicas)),
    httpPort: await freePort(),
    registryPort,
    redisUrl,
    dataDir,
    nodeId: 'chaos',
  });
  return plan.map((planned) => ({ ...planned, env: { ...planned.env, LOG_LEVEL: 'warn' } }));
}

/** What any node of processes without a supervisor tells. */
export function described(processes: RigProcesses): Pick<Node, 'url' | 'fronts' | 'pids' | 'ops' | 'everyOps'> {
  const urls = processes.replicasOf('gateway').map(({ planned }) => `http://127.0.0.1:${planned.env['PORT'] ?? ''}`);
  return {
    url: urls[0] ?? '',
    fronts: urls,
    pids: () => processes.all.filter(({ isRunning }) => isRunning).map(({ pid }) => pid),
    ops: (service) => processes.replicasOf(service).map(({ planned }) => planned.opsUrl),
    everyOps: processes.all.map(({ planned }) => planned.opsUrl),
  };
}
