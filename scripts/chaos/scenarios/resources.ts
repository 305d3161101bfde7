import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { requireProgram } from '../../programs.ts';
import { ControlGroup } from '../../rig/control-group.ts';
import { idleConnections } from '../../rig/idle-connections.ts';
import { ACCOUNTED, always, sound } from '../expectation.ts';
import { onProcesses, type Scenario } from '../scenario.ts';

/** Descriptors the gateway may open beyond those it has. */
const SPARE_DESCRIPTORS = 40;
const IDLE_CONNECTIONS = 200;
const MEMORY_BYTES = 512 * 1024 ** 2;
/** Less than a second of this load touches anew. */
const SPARE_MEMORY_BYTES = 1024 ** 2;
/** Of one core, for all six services together; under this load they take about twice as much when nothing stops them. */
const CPU_SHARE = 0.25;

/** The soft limit a process has now. */
const descriptorLimit = (pid: number): string =>
  /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? 'unlimited';
const limitDescriptors = (pid: number, soft: number | string): void => {
  execFileSync(requireProgram('prlimit', 'util-linux'), ['--pid', String(pid), `--nofile=${soft}:`]);
};

/** Descriptors, memory and processor time that run out. */
export const resourceScenarios: readonly Scenario[] = [
  onProcesses({
    name: 'descriptors_exhausted',
    what: `the gateway may open ${SPARE_DESCRIPTORS} descriptors more than it has, and ${IDLE_CONNECTIONS} idle connections take them all`,
    seconds: 6,
    expects: [...always({ recovery: 10, unanswered: true }), ...sound('outside'), ACCOUNTED],
    make: async ({ processes, url }) => {
      const { pid } = processes.of('gateway');
      const before = descriptorLimit(pid);
      limitDescriptors(pid, readdirSync(`/proc/${pid}/fd`).length + SPARE_DESCRIPTORS);
      const close = idleConnections(url, IDLE_CONNECTIONS);
      return async () => {
        await close();
        limitDescriptors(pid, before);
      };
    },
  }),
  onProcesses({
    name: 'memory_pressure',
    what: `storage in a control group that may have ${SPARE_MEMORY_BYTES / 1024 ** 2} MiB more than it has, page cache included; it squeezes, or is killed for it, and is started again`,
    seconds: 10,
    expects: [...always({ recovery: 15 }), ...sound('outside'), ACCOUNTED],
    make: async ({ processes }, { find }) => {
      const group = ControlGroup.ofMemory(`macronode-chaos-${process.pid}`, MEMORY_BYTES);
      const storage = processes.of('storage');
      await storage.end('SIGTERM');
      await storage.startWith(group.command([]));
      group.leaveMemory(SPARE_MEMORY_BYTES);
      return async () => {
        if (group.memoryRefusals === 0) find('the limit was never reached');
        await storage.end('SIGTERM');
        group.remove();
        await storage.start();
      };
    },
  }),
  onProcesses({
    name: 'cpu_pressure',
    what: `all six services together get ${CPU_SHARE * 100} % of one core`,
    seconds: 10,
    expects: [...always({ recovery: 15 }), ...sound('outside'), ACCOUNTED],
    make: async ({ processes }, { find }) => {
      const group = ControlGroup.ofCpu(`macronode-chaos-${process.pid}`, CPU_SHARE);
      for (const { pid } of processes.all) group.add(pid);
      return async () => {
        if (group.stat('cpu.stat', 'nr_throttled') === 0) find('nobody ever waited for the processor');
        group.remove();
      };
    },
  }),
];
