// Where a Redis comes from: one that runs, one on PATH, or Debian's package. Started ones are throwaway children.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';
import { poll } from './poll.ts';
import { programOnPath, installDebianPackage } from './programs.ts';

const READY_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;
const PING_TIMEOUT_MS = 1_000;

/** How a Redis of ours was started: enough for a test to stop, pause and start it again. */
export interface RedisProcess {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Program and arguments; running them again in `dir` brings the same data back. */
  readonly argv: readonly [string, ...string[]];
  readonly dir: string;
  /** Redis writes its current process id here, so that it is found after somebody restarted it. */
  readonly pidFile: string;
}

export class OwnRedis implements AsyncDisposable {
  readonly process: RedisProcess;
  readonly #child: ChildProcess;
  readonly #throwaway: boolean;
  readonly #discard = (): void => {
    this.#child.kill('SIGKILL');
    rmSync(this.process.dir, { recursive: true, force: true });
  };

  constructor(process: RedisProcess, child: ChildProcess, throwaway: boolean) {
    this.process = process;
    this.#child = child;
    this.#throwaway = throwaway;
    // Nobody asks for a throwaway one again: it does not outlive us, however we end.
    if (throwaway) globalThis.process.once('exit', this.#discard);
  }

  get url(): string {
    return this.process.url;
  }

  onExit(listener: (code: number | null) => void): void {
    this.#child.once('exit', listener);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = new Promise((resolve) => this.#child.once('exit', resolve));
      // A paused process takes no SIGTERM before it continues.
      this.#child.kill('SIGCONT');
      this.#child.kill('SIGTERM');
      const deadline = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(deadline);
    }
    if (this.#throwaway) this.#discard();
    globalThis.process.off('exit', this.#discard);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** The server program on PATH, installed from Debian when root there; throws with what to install otherwise. */
export function redisProgram(): string {
  const found = programOnPath('redis-server') ?? programOnPath('valkey-server');
  if (found !== undefined) return found;
  if (installDebianPackage('redis-server')) return programOnPath('redis-server') ?? 'redis-server';
  throw new Error('No Redis: install redis-server or valkey-server (7.0 or newer) so that it is on PATH.');
}

export interface StartRedisOptions {
  /** Where the append-only file lives; without it a temporary folder that goes when Redis stops. */
  readonly dir?: string;
  readonly port?: number;
  /** Whether an append-only file is kept (default true); without one Redis writes nothing to disk. */
  readonly appendOnly?: boolean;
}

/** Starts a Redis of our own, with an append-only file unless told otherwise, and waits until it answers. */
export async function startRedis({ dir, port, appendOnly = true }: StartRedisOptions = {}): Promise<OwnRedis> {
  const program = redisProgram();
  const home = dir ?? mkdtempSync(join(tmpdir(), 'macronode-redis-'));
  mkdirSync(home, { recursive: true });
  const listen = port ?? (await freePort());
  const pidFile = join(home, 'redis.pid');
  const argv = [
    program,
    ...['--port', String(listen), '--bind', '127.0.0.1', '--dir', home, '--pidfile', pidFile],
    ...['--save', '', '--appendonly', appendOnly ? 'yes' : 'no'],
    ...['--maxmemory-policy', 'noeviction', '--logfile', join(home, 'redis.log')],
  ] as const satisfies readonly string[];
  const child = spawn(argv[0], argv.slice(1), { cwd: home, stdio: 'ignore' });
  let failure: string | undefined;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code) => (failure ??= `exit code ${code ?? 'none'}`));
  await poll(`Redis on port ${listen}`, READY_TIMEOUT_MS, () => {
    if (failure !== undefined) throw new Error(`${program} did not start (${failure}); see ${join(home, 'redis.log')}`);
    return answersPing('127.0.0.1', listen);
  });
  const own: RedisProcess = {
    url: `redis://127.0.0.1:${listen}`,
    port: listen,
    pid: child.pid ?? 0,
    argv,
    dir: home,
    pidFile,
  };
  return new OwnRedis(own, child, dir === undefined);
}

/** `REDIS_URL` when it is set, else a throwaway Redis. */
export async function provideRedis(): Promise<{ url: string; own: OwnRedis | undefined }> {
  const url = process.env['REDIS_URL'];
  if (url !== undefined && url !== '') return { url, own: undefined };
  const own = await startRedis();
  return { url: own.url, own };
}

/** True when a server at this address answers PING; a password-protected one answers an error, which counts. */
function answersPing(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PING_TIMEOUT_MS });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (bytes) => settle(/^(\+PONG|-NOAUTH)/.test(bytes.toString('latin1'))));
    socket.once('error', () => settle(false));
    socket.once('timeout', () => settle(false));
  });
}
