import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
/** The scheduler's period: a group that used up its share waits for the next one. */
const CPU_PERIOD_US = 100_000;

interface Place {
  readonly parent: string;
  /** Limits by file, written as the group is made. */
  readonly limits: Readonly<Record<string, string>>;
}

/** A control group of our own with one limit, in version 2 or the first. Making one takes root. */
export class ControlGroup {
  readonly #folder: string;
  readonly #parent: string;

  private constructor(parent: string, folder: string) {
    this.#parent = parent;
    this.#folder = folder;
  }

  /** At most so many bytes, page cache included. Throws where no group can be made. */
  static ofMemory(name: string, bytes: number): ControlGroup {
    return ControlGroup.#firstOf(name, [
      { parent: join(ROOT, 'memory'), limits: { 'memory.limit_in_bytes': String(bytes) } },
      { parent: ROOT, limits: { 'memory.max': String(bytes) } },
    ]);
  }

  /** At most this share of one core, all members together. Throws where no group can be made. */
  static ofCpu(name: string, share: number): ControlGroup {
    const quota = String(Math.round(share * CPU_PERIOD_US));
    return ControlGroup.#firstOf(name, [
      { parent: join(ROOT, 'cpu'), limits: { 'cpu.cfs_period_us': String(CPU_PERIOD_US), 'cpu.cfs_quota_us': quota } },
      { parent: ROOT, limits: { 'cpu.max': `${quota} ${CPU_PERIOD_US}` } },
    ]);
  }

  static #firstOf(name: string, places: readonly Place[]): ControlGroup {
    const refusals: string[] = [];
    for (const { parent, limits } of places) {
      const folder = join(parent, name);
      try {
        if (!existsSync(folder)) mkdirSync(folder);
        for (const [file, limit] of Object.entries(limits)) writeFileSync(join(folder, file), limit, { flag: 'r+' });
        return new ControlGroup(parent, folder);
      } catch (error) {
        refusals.push(error instanceof Error ? error.message : String(error));
      }
    }
    throw new Error(`no control group with this limit can be made here (it takes root): ${refusals.join('; ')}`);
  }

  /** The file a process writes its id into to become a member. */
  get members(): string {
    return join(this.#folder, 'cgroup.procs');
  }

  /** A command that becomes a member before it becomes what it runs. */
  command(program: readonly string[]): [string, ...string[]] {
    return ['sh', '-c', `echo $$ > ${this.members}; exec "$0" "$@"`, ...program];
  }

  add(pid: number): void {
    appendFileSync(this.members, String(pid));
  }

  /** From now on the members may have so many bytes more than they have. */
  leaveMemory(bytes: number): void {
    const [usage, limit] = existsSync(join(this.#folder, 'memory.usage_in_bytes'))
      ? ['memory.usage_in_bytes', 'memory.limit_in_bytes']
      : ['memory.current', 'memory.max'];
    const used = Number(readFileSync(join(this.#folder, usage), 'utf8'));
    writeFileSync(join(this.#folder, limit), String(used + bytes), { flag: 'r+' });
  }

  /** How often a member asked for memory there was none of, so that something had to give way. */
  get memoryRefusals(): number {
    return this.stat('memory.failcnt', 'failcnt') + this.stat('memory.events', 'max');
  }

  /** One counter of a file of the group, such as `nr_throttled` of `cpu.stat`; 0 where it has none. */
  stat(file: string, key: string): number {
    const path = join(this.#folder, file);
    if (!existsSync(path)) return 0;
    const text = readFileSync(path, 'utf8');
    return Number((new RegExp(`^${key} (\\d+)$`, 'm').exec(text) ?? /^(\d+)\n?$/.exec(text))?.[1] ?? 0);
  }

  /** Members that are left go back to the group above. */
  remove(): void {
    for (const pid of readFileSync(this.members, 'utf8').split('\n').filter(Boolean))
      appendFileSync(join(this.#parent, 'cgroup.procs'), pid);
    rmdirSync(this.#folder);
  }
}
