import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryGroup {
  /** Where a process writes its id to be in it. */
  readonly procs: string;
  /** Once the last process in it has ended. */
  remove(): void;
}

/** A group of processes with a memory limit, in version 2 of control groups or the first. Throws where none can be made. */
export function memoryGroup(name: string, bytes: number): MemoryGroup {
  const refusals: string[] = [];
  for (const [parent, file] of [
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
    ['/sys/fs/cgroup', 'memory.max'],
  ] as const) {
    const folder = join(parent, `macronode-${name}-${process.pid}`);
    try {
      mkdirSync(folder);
      writeFileSync(join(folder, file), String(bytes), { flag: 'r+' });
      return { procs: join(folder, 'cgroup.procs'), remove: () => rmdirSync(folder) };
    } catch (error) {
      refusals.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`no control group with a memory limit can be made here: ${refusals.join('; ')}`);
}

/** A command that enters the group before it becomes what it runs. */
export const inGroup = (group: MemoryGroup, command: readonly string[]): [string, ...string[]] => [
  'sh',
  '-c',
  `echo $$ > ${group.procs}; exec "$0" "$@"`,
  ...command,
];
