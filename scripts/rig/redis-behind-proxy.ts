import { spawn } from 'node:child_process';
import { ToxicNetwork } from '../../packages/bus/src/redis/toxic-network-fixture.ts';
import { provideGoTool, TOXIPROXY } from '../go-tools.ts';
import { type OwnRedis, startRedis } from '../redis.ts';
import { redisPid } from '../run-state.ts';

/** A Redis of our own with an append-only file, behind a real proxy that can make the network ill. */
export class RedisBehindProxy implements AsyncDisposable {
  readonly redis: OwnRedis;
  readonly network: ToxicNetwork;
  readonly #again = new AsyncDisposableStack();

  private constructor(redis: OwnRedis, network: ToxicNetwork) {
    this.redis = redis;
    this.network = network;
  }

  static async start(): Promise<RedisBehindProxy> {
    process.env['TOXIPROXY_SERVER'] = await provideGoTool(TOXIPROXY);
    const redis = await startRedis();
    try {
      return new RedisBehindProxy(redis, await ToxicNetwork.to(redis.url));
    } catch (error) {
      await redis.stop();
      throw error;
    }
  }

  /** Process id of Redis, which changes when it is started again. */
  pid(): number {
    return redisPid(this.redis.process);
  }

  /** Starts Redis again on the same data, after it was stopped. */
  startAgain(): void {
    const [program, ...args] = this.redis.process.argv;
    const again = spawn(program, args, { cwd: this.redis.process.dir, stdio: 'ignore' });
    this.#again.defer(() => void again.kill('SIGKILL'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network.close();
    await this.#again.disposeAsync();
    await this.redis.stop();
  }
}
