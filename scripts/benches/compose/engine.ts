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

/** What the engine counts against the limit of a container, in MiB. */
export interface MemoryUse {
  readonly used: number;
  readonly limit: number;
}

const MEBIBYTES: Readonly<Record<string, number>> = { B: 2 ** -20, KiB: 2 ** -10, MiB: 1, GiB: 2 ** 10 };

function mebibytes(text: string): number {
  const [, value, unit = ''] = /^([\d.]+)(\w+)$/.exec(text.trim()) ?? [];
  return Number(value) * (MEBIBYTES[unit] ?? NaN);
}

/** Lines of `docker stats`, as `name used / limit`, by service. Pure. */
export function memoryOf(stats: string, project: string): ReadonlyMap<string, MemoryUse> {
  const uses = new Map<string, MemoryUse>();
  for (const line of stats.trim().split('\n')) {
    const [, name = '', used = '', limit = ''] = /^(\S+) (\S+) \/ (\S+)$/.exec(line) ?? [];
    if (!name.startsWith(`${project}-`)) throw new Error(`docker stats said '${line}'`);
    const service = name.slice(project.length + 1).replace(/-\d+$/, '');
    uses.set(service, { used: mebibytes(used), limit: mebibytes(limit) });
  }
  return uses;
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
    const { stdout: ids } = await run('docker', ['compose', 'ps', '--quiet'], options);
    const format = ['--no-stream', '--format', '{{.Name}} {{.MemUsage}}'];
    const { stdout } = await run('docker', ['stats', ...format, ...ids.trim().split('\n')], options);
    return memoryOf(stdout, PROJECT);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compose(['down', '--volumes', '--remove-orphans', '--timeout', String(STOP_SECONDS)]);
  }

  #compose(args: readonly string[]): Promise<void> {
    return runProgram(['docker', 'compose', '--progress', 'quiet', ...args], { env: this.#env });
  }
}
