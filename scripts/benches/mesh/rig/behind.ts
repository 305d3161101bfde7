import { randomBytes } from 'node:crypto';
import { hashBytes } from '@macronode/content';
import { type OwnRedis, startRedis } from '../../../redis.ts';
import { type RunningTarget, startTarget } from '../../../targets.ts';
import type { Asked } from './clients.ts';
import { Gateway, type GatewayWish } from './gateway.ts';
import type { MeshFolder } from './folder.ts';

const OBJECT_BYTES = 1_024;
/** The node the services are of. */
const NODE_ID = 'e2e';

/** The services gateways are in front of, one of each, and a Redis; it starts the gateways that are compared. */
export class Behind implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #redis: OwnRedis;
  readonly #target: RunningTarget;
  readonly #folder: MeshFolder;
  readonly #pids: readonly number[];
  #gateways: readonly Gateway[] = [];

  private constructor(stack: AsyncDisposableStack, redis: OwnRedis, target: RunningTarget, folder: MeshFolder) {
    this.#stack = stack;
    this.#redis = redis;
    this.#target = target;
    this.#folder = folder;
    this.#pids = [redis.process.pid, ...target.state.processes.flatMap(({ pid }) => pid ?? [])];
  }

  static async start(folder: MeshFolder): Promise<Behind> {
    await using stack = new AsyncDisposableStack();
    const redis = stack.use(await startRedis({ appendOnly: false }));
    const env = { LOG_LEVEL: 'warn', GATEWAY_ECHO: 'false' };
    const target = stack.use(
      await startTarget('processes', { replicas: {}, redis: { own: redis, url: redis.url }, env }),
    );
    return new Behind(stack.move(), redis, target, folder);
  }

  /** Processes of services and Redis, and the gateways that run. */
  get pids(): readonly number[] {
    return [...this.#pids, ...this.#gateways.filter(({ isRunning }) => isRunning).map(({ pid }) => pid)];
  }

  /** Whoever asks for a gateway ends it. */
  async gateway(wish: Pick<GatewayWish, 'name' | 'env' | 'preload'>): Promise<Gateway> {
    const where = { redisUrl: this.#redis.url, nodeId: NODE_ID, folder: this.#folder };
    const gateway = await Gateway.start({ ...wish, ...where });
    this.#gateways = [...this.#gateways.filter(({ isRunning }) => isRunning), gateway];
    return gateway;
  }

  /** Ops address of the omnigate that judges for every gateway. */
  get omnigateOps(): string {
    return this.#target.state.ops['omnigate']?.[0] ?? '';
  }

  /** Stores an object of 1 KB; what reads it, and what stores it again. */
  async object(): Promise<{ readonly read: Asked; readonly write: Asked }> {
    const body = randomBytes(OBJECT_BYTES);
    const stored = await fetch(`${this.#target.state.url}/o`, { method: 'POST', body });
    if (!stored.ok) throw new Error(`storing the object answered ${stored.status}`);
    return { read: { method: 'GET', path: `/o/${hashBytes(body)}` }, write: { method: 'POST', path: '/o', body } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
