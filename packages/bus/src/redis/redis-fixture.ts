import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** The Redis the tests may use, each under a namespace of its own. Without one they fail: a skipped test vouches for nothing. */
export function redisUrl(): string {
  const url = process.env['REDIS_URL'];
  if (url === undefined || url === '') {
    throw new Error(
      'REDIS_URL is not set: these tests talk to a real Redis 7 or Valkey 8, e.g. redis://127.0.0.1:6379',
    );
  }
  return url;
}

export const uniqueNamespace = (): string => `test-${randomBytes(6).toString('hex')}`;

/** Waits until `condition` holds, at most `withinMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A Redis of the test's own, for what would disturb others: stopping it, flushing it, filling it. */
export class RedisProcess {
  readonly url: string;
  readonly port: number;
  readonly #dir: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, dir: string) {
    this.port = port;
    this.#dir = dir;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async start(args: readonly string[] = []): Promise<RedisProcess> {
    const redis = new RedisProcess(await freePort(), await mkdtemp(join(tmpdir(), 'bus-redis-')));
    await redis.run(args);
    return redis;
  }

  /** Starts the server on its port and data; with `--appendonly yes` it comes back with what it had. */
  async run(args: readonly string[] = []): Promise<void> {
    const child = spawn(
      process.env['REDIS_SERVER'] ?? 'redis-server',
      ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#dir, '--save', '', ...args],
      { stdio: 'ignore' },
    );
    const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
    failed.catch(() => undefined);
    this.#process = child;
    const client = new Redis(this.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    try {
      await Promise.race([client.ping(), failed]);
    } finally {
      client.disconnect();
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async dispose(): Promise<void> {
    await this.stop('SIGKILL');
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** A network between a link and its Redis that can swallow everything, without a word to either side. */
export class SilentNetwork {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #silent = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async to(url: string): Promise<SilentNetwork> {
    const { hostname, port } = new URL(url);
    const server = createServer();
    const own = await listen(server);
    const network = new SilentNetwork(server, own);
    server.on('connection', (near) => network.#join(near, connect(Number(port), hostname)));
    return network;
  }

  fallSilent(): void {
    this.#silent = true;
  }

  /** Speaks again for new connections; what was sent meanwhile stays lost. */
  speak(): void {
    this.#silent = false;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket, far: Socket): void {
    const pass = (from: Socket, to: Socket): void => {
      this.#sockets.add(from);
      from.on('data', (data) => {
        if (!this.#silent) to.write(data);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    };
    pass(near, far);
    pass(far, near);
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
