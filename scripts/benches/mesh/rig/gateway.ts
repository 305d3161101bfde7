// A gateway of a macronode that runs already: the services behind it are shared, so that only gateways differ.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { appCommand } from '../../../bootstrap.mjs';
import { scrape, type Scrape } from '../../../measure/metrics.ts';
import { answersOk, poll } from '../../../poll.ts';
import { freePort } from '../../../ports.ts';
import type { MeshFolder } from './folder.ts';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 12_000;
const LOG_SHOWN_CHARS = 2_000;
export const ADMIN_TOKEN = 'admin-token-of-a-bench-run';

export interface GatewayWish {
  readonly name: string;
  readonly redisUrl: string;
  readonly nodeId: string;
  readonly folder: MeshFolder;
  readonly env: Readonly<Record<string, string>>;
  /** A module loaded before the gateway. */
  readonly preload?: URL | undefined;
}

export class Gateway implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly ops: string;
  readonly #child: ChildProcess;
  readonly #discard = (): void => void this.#child.kill('SIGKILL');

  private constructor(name: string, port: number, ops: string, child: ChildProcess) {
    this.name = name;
    this.port = port;
    this.ops = ops;
    this.#child = child;
    process.once('exit', this.#discard);
  }

  static async start({ name, redisUrl, nodeId, folder, env, preload }: GatewayWish): Promise<Gateway> {
    const [port, opsPort] = [await freePort(), await freePort()];
    const logFile = folder.file(`gateway-${name}.log`);
    const log = openSync(logFile, 'a');
    const [program, ...args] = appCommand('gateway');
    const child = spawn(program, [...(preload === undefined ? [] : ['--import', preload.href]), ...args], {
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        ...{ BUS_LINK: 'redis', REDIS_URL: redisUrl, NODE_ID: nodeId, HTTP_HOST: '127.0.0.1' },
        ...{ PORT: String(port), OPS_PORT: String(opsPort), ADMIN_TOKEN, LOG_LEVEL: 'warn', DATA_DIR: '' },
        ...env,
      },
    });
    closeSync(log);
    const gateway = new Gateway(name, port, `http://127.0.0.1:${opsPort}`, child);
    try {
      await poll(`gateway ${name}`, READY_TIMEOUT_MS, () => {
        if (child.exitCode !== null)
          throw new Error(`gateway ${name} ended.\n${readFileSync(logFile, 'utf8').slice(-LOG_SHOWN_CHARS)}`);
        return answersOk(`${gateway.ops}/readyz`);
      });
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw error;
    }
    return gateway;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  scrape(): Promise<Scrape> {
    return scrape([this.ops]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#discard);
    if (!this.isRunning) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(deadline);
  }
}
