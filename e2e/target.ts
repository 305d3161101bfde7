import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES, type ServiceName } from '@macronode/contracts';

export type TargetName = 'micronode' | 'processes' | 'compose' | 'url';

/** What a test run is told about the node it talks to. See README.md for the variables. */
export interface Target {
  readonly name: TargetName;
  /** Base address of the gateway, without a trailing slash. */
  readonly url: string;
  readonly token: string | undefined;
  /** Ops addresses of every service; a micronode gives the same one for each. */
  readonly ops: Readonly<Partial<Record<ServiceName, readonly string[]>>>;
}

/** What the fault tests may take hold of: the supervisor's state file, kept current while processes come and go. */
export interface Control {
  readonly processes: readonly {
    readonly service: ServiceName;
    readonly index: number;
    /** Absent while the process waits for its next start. */
    readonly pid?: number;
  }[];
  /** The supervisor; SIGUSR2 has it replace every process, one after another. */
  readonly supervisorPid?: number;
  /** Root of the data folders, one per service; absent where nothing is kept. */
  readonly dataDir?: string;
  /** Absent when the Redis is not ours to stop. */
  readonly redis?: {
    readonly url: string;
    readonly pid: number;
    /** Program and arguments; run again in `dir` they bring the same data back. */
    readonly argv: readonly string[];
    readonly dir: string;
    /** Where the server writes its current pid. */
    readonly pidFile: string;
  };
}

const TARGETS: readonly string[] = ['micronode', 'processes', 'compose', 'url'];
const isTarget = (name: string): name is TargetName => TARGETS.includes(name);

function required(variable: string): string {
  const value = process.env[variable];
  if (value === undefined || value === '') {
    throw new Error(`${variable} is not set: run these tests with \`npm run e2e -- --target micronode\``);
  }
  return value;
}

function targetName(): TargetName {
  const name = required('E2E_TARGET');
  if (!isTarget(name)) throw new Error(`E2E_TARGET is ${name}: it must be one of ${TARGETS.join(', ')}`);
  return name;
}

function readTarget(): Target {
  const ops = JSON.parse(process.env['E2E_OPS'] ?? '{}') as Target['ops'];
  return {
    name: targetName(),
    url: required('E2E_URL').replace(/\/+$/, ''),
    token: process.env['E2E_TOKEN'],
    ops: Object.fromEntries(Object.entries(ops).filter(([service]) => SERVICES.some((known) => known === service))),
  };
}

export const target: Target = readTarget();

/** The ops addresses of a service. Fails where the target does not give any, since every target must. */
export function opsOf(service: ServiceName): readonly string[] {
  const urls = target.ops[service];
  if (urls === undefined || urls.length === 0) throw new Error(`E2E_OPS names no ops address of ${service}`);
  return urls;
}

/** Process ids change with every restart, so the file is read each time. */
export function readControl(): Control {
  return JSON.parse(readFileSync(required('E2E_CONTROL'), 'utf8')) as Control;
}

/** The Redis of this run, where it is ours. */
export function ownRedis(): NonNullable<Control['redis']> {
  const { redis } = readControl();
  if (redis === undefined)
    throw new Error('the control file names no Redis of ours: these tests need one to take hold of');
  return redis;
}

/** The folder of a service below the data root of this run. */
export function dataFolder(service: ServiceName): string {
  const { dataDir } = readControl();
  if (dataDir === undefined) throw new Error('the control file names no data folder');
  return join(dataDir, service);
}
