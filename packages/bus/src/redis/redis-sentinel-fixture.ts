import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort, RedisProcess, until } from './redis-fixture.ts';

const MASTER = 'mymaster';

/** A primary, a replica and the Sentinel that watches them, of the test's own. */
export class SentinelGroup {
  /** Names a Sentinel that is not there beside the one that is: a real list has dead ones too. */
  readonly url: string;
  readonly servers: readonly RedisProcess[];
  readonly #sentinel: ChildProcess;
  readonly #admin: Redis;
  readonly #dir: string;

  private constructor(
    servers: readonly RedisProcess[],
    sentinel: ChildProcess,
    port: number,
    dead: number,
    dir: string,
  ) {
    this.servers = servers;
    this.url = `redis+sentinel://127.0.0.1:${dead},127.0.0.1:${port}/${MASTER}`;
    this.#sentinel = sentinel;
    this.#dir = dir;
    this.#admin = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 20, maxRetriesPerRequest: null });
    this.#admin.on('error', () => undefined);
  }

  static async start(args: readonly string[] = []): Promise<SentinelGroup> {
    const primary = await RedisProcess.start(args);
    const follow = ['--replicaof', '127.0.0.1', String(primary.port), '--repl-diskless-sync-delay', '0'];
    const replica = await RedisProcess.start([...args, ...follow]);
    const dir = await mkdtemp(join(tmpdir(), 'bus-sentinel-'));
    const [port, dead] = [await freePort(), await freePort()];
    const config = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${dir}`,
      `sentinel monitor ${MASTER} 127.0.0.1 ${primary.port} 1`,
      `sentinel down-after-milliseconds ${MASTER} 500`,
      `sentinel failover-timeout ${MASTER} 5000`,
    ];
    const file = join(dir, 'sentinel.conf');
    await writeFile(file, `${config.join('\n')}\n`);
    const program = process.env['REDIS_SERVER'] ?? 'redis-server';
    const sentinel = spawn(program, [file, '--sentinel'], { stdio: 'ignore' });
    const group = new SentinelGroup([primary, replica], sentinel, port, dead, dir);
    await until(() => group.#replicates(), 'the replica follows and Sentinel knows it', 20_000);
    return group;
  }

  /** The server Sentinel calls the primary now. */
  async primary(): Promise<RedisProcess | undefined> {
    const [, port] = (await this.#admin.call('sentinel', ['get-master-addr-by-name', MASTER])) as [string, string];
    return this.servers.find((server) => String(server.port) === port);
  }

  /** Asks for a planned change of the primary: the old one lives on as a replica. */
  async failOver(): Promise<void> {
    const before = await this.primary();
    await this.#admin.call('sentinel', ['failover', MASTER]);
    await this.replaced(before);
  }

  /** Waits until Sentinel calls another server the primary. */
  replaced(before: RedisProcess | undefined): Promise<void> {
    return until(async () => (await this.primary()) !== before, 'another one is the primary', 20_000);
  }

  async dispose(): Promise<void> {
    this.#admin.disconnect();
    const gone = new Promise((resolve) => this.#sentinel.once('exit', resolve));
    this.#sentinel.kill('SIGKILL');
    await gone;
    await Promise.all(this.servers.map((server) => server.dispose()));
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #replicates(): Promise<boolean> {
    const replicas = await this.#admin.call('sentinel', ['replicas', MASTER]);
    const text = JSON.stringify(replicas);
    return text.includes('"flags","slave"') && text.includes('"master-link-status","ok"');
  }
}
