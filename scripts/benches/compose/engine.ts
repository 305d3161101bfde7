// The node in containers, under a project and on ports of its own, as a person starts it: without the profile.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../bootstrap.mjs';
import { freePort } from '../../ports.ts';
import { runProgram } from '../../stages.ts';

const PROJECT = 'macronode-bench';
/** Longer than stop_grace_period, so that nothing is killed before it drained. */
const STOP_SECONDS = 20;

const run = promisify(execFile);

/** Memory of a container, in MiB. */
export interface MemoryUse {
  /** What the engine counts against the limit: with the kernel's, and with files just read. */
  readonly used: number;
  /** Resident sets of its processes. */
  readonly resident: number;
  readonly limit: number;
}

const MEBIBYTES: Readonly<Record<string, number>> = { B: 2 ** -20, KiB: 2 ** -10, MiB: 1, GiB: 2 ** 10 };

function mebibytes(text: string): number {
  const [, value, unit = ''] = /^([\d.]+)(\w+)$/.exec(text.trim()) ?? [];
  return Number(value) * (MEBIBYTES[unit] ?? NaN);
}

/** A line of `docker stats`, as `name used / limit`. Pure. */
export function countedOf(line: string, project: string): Omit<MemoryUse, 'resident'> & { readonly service: string } {
  const [, name = '', used = '', limit = ''] = /^(\S+) (\S+) \/ (\S+)$/.exec(line) ?? [];
  if (!name.startsWith(`${project}-`)) throw new Error(`docker stats said '${line}'`);
  const service = name.slice(project.length + 1).replace(/-\d+$/, '');
  return { service, used: mebibytes(used), limit: mebibytes(limit) };
}

/** The sum of `docker top -o pid,rss`, which counts in KiB. Pure. */
export function residentOf(top: string): number {
  const [head = '', ...processes] = top.trim().split('\n');
  if (!/^PID\s+RSS$/.test(head)) throw new Error(`docker top said '${head}'`);
  const kibibytes = processes.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[1]), 0);
  return Number((kibibytes / 1_024).toFixed(2));
}

export class ComposeNode implements AsyncDisposable {
  readonly #env: Readonly<Record<string, string>>;

  private constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  /** Builds the images and gives every published port of compose.yaml a free one; starts nothing. */
  static async build(): Promise<ComposeNode> {
    const env: Record<string, string> = {
      COMPOSE_PROJECT_NAME: PROJECT,
      COMPOSE_PROFILES: '',
      OTEL_EXPORTER_OTLP_ENDPOINT: '',
    };
    for (const [, name = ''] of readFileSync(join(ROOT, 'compose.yaml'), 'utf8').matchAll(/\$\{(\w+_PORT):-\d+\}/g))
      env[name] = String(await freePort());
    const node = new ComposeNode(env);
    await node.#compose(['build', '--quiet']);
    return node;
  }

  /** The address on this machine of a port that compose.yaml publishes. */
  url(port: 'GATEWAY_PORT' | 'PROMETHEUS_PORT'): string {
    return `http://127.0.0.1:${this.#env[port] ?? ''}`;
  }

  /** Until every container is healthy. */
  up(): Promise<void> {
    return this.#compose(['up', '--wait', '--detach', '--no-build', '--quiet-pull']);
  }

  async memory(): Promise<ReadonlyMap<string, MemoryUse>> {
    const options = { cwd: ROOT, env: { ...process.env, ...this.#env } };
    const { stdout } = await run('docker', ['compose', 'ps', '--quiet'], options);
    const uses = stdout
      .trim()
      .split('\n')
      .map(async (id): Promise<[string, MemoryUse]> => {
        const [stats, top] = await Promise.all([
          run('docker', ['stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}}', id]),
          run('docker', ['top', id, '-o', 'pid,rss']),
        ]);
        const { service, ...counted } = countedOf(stats.stdout.trim(), PROJECT);
        return [service, { ...counted, resident: residentOf(top.stdout) }];
      });
    return new Map(await Promise.all(uses));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compose(['down', '--volumes', '--remove-orphans', '--timeout', String(STOP_SECONDS)]);
  }

  #compose(args: readonly string[]): Promise<void> {
    return runProgram(['docker', 'compose', '--progress', 'quiet', ...args], { env: this.#env });
  }
}
