import { freePort } from '../../ports.ts';
import { type OwnRedis, startRedis } from '../../redis.ts';
import { Child } from '../../measure/child.ts';
import { CONTESTANTS, type ContestantName } from './contestants/contestants.ts';
import { watchCpu } from '../../measure/cpu.ts';
import { LatencyHistogram } from '../../measure/histogram.ts';
import type { ChildMessage, WindowOrder } from './messages.ts';

/** CPU microseconds one answered call cost, by process. */
export interface CpuPerCall {
  readonly client: number;
  readonly server: number;
  readonly redis: number;
  readonly total: number;
}

/** One window of one contestant. */
export interface Measurement {
  readonly callsPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly cpu: CpuPerCall;
  readonly errors: Readonly<Record<string, number>>;
  /** Share of the machine others used meanwhile (0 to 1). */
  readonly foreignShare: number;
}

/** One contestant's processes: a Redis without persistence, a server and its clients. */
export class Arena implements AsyncDisposable {
  readonly name: ContestantName;
  readonly #redis: OwnRedis | undefined;
  readonly #server: Child<ChildMessage>;
  readonly #clients: readonly Child<ChildMessage>[];

  private constructor(
    name: ContestantName,
    redis: OwnRedis | undefined,
    server: Child<ChildMessage>,
    clients: readonly Child<ChildMessage>[],
  ) {
    this.name = name;
    this.#redis = redis;
    this.#server = server;
    this.#clients = clients;
  }

  /** Starts everything; resolves when each client is connected to a server that answers. */
  static async open(name: ContestantName, clients: number): Promise<Arena> {
    const redis = CONTESTANTS[name].usesRedis ? await startRedis({ appendOnly: false }) : undefined;
    const started: Child<ChildMessage>[] = [];
    try {
      const args = [name, String(redis?.process.port ?? 0), String(await freePort())];
      const start = async (script: string): Promise<Child<ChildMessage>> => {
        const child = new Child<ChildMessage>(new URL(script, import.meta.url), args);
        started.push(child);
        await child.next('ready');
        return child;
      };
      const server = await start('server-process.ts');
      const connected = await Promise.all(Array.from({ length: clients }, () => start('client-process.ts')));
      return new Arena(name, redis, server, connected);
    } catch (error) {
      await Promise.all(started.map((child) => child.stop()));
      await redis?.stop();
      throw error;
    }
  }

  /** One window: all clients at once. */
  async measure(order: WindowOrder): Promise<Measurement> {
    const measuring = Promise.all(this.#clients.map((client) => client.next('measuring')));
    const measured = Promise.race(this.#clients.map((client) => client.next('measured')));
    const reports = Promise.all(this.#clients.map((client) => client.next('report')));
    // Whichever of them fails first is the one that is told of.
    for (const each of [measuring, measured, reports]) each.catch(() => undefined);
    for (const client of this.#clients) client.send(order);
    await measuring;
    const startedAt = performance.now();
    const stop = watchCpu(this.#processes());
    await measured;
    const { micros, foreignShare } = stop();
    const watchedSeconds = (performance.now() - startedAt) / 1_000;
    const latencies = new LatencyHistogram();
    const errors: Record<string, number> = {};
    let callsPerSecond = 0;
    for (const { report } of await reports) {
      callsPerSecond += report.answered / (report.elapsedMs / 1_000);
      latencies.add(report.latencies);
      for (const [error, count] of Object.entries(report.errors)) errors[error] = (errors[error] ?? 0) + count;
    }
    // Of a contestant that answered nothing no cost can be told.
    const calls = callsPerSecond === 0 ? Number.NaN : callsPerSecond * watchedSeconds;
    const perCall = (process: string): number => (micros[process] ?? 0) / calls;
    const [client, server, redis] = [perCall('client'), perCall('server'), perCall('redis')];
    return {
      callsPerSecond,
      p50Micros: latencies.quantile(0.5),
      p99Micros: latencies.quantile(0.99),
      cpu: { client, server, redis, total: client + server + redis },
      errors,
      foreignShare,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#server, ...this.#clients].map((child) => child.stop()));
    await this.#redis?.stop();
  }

  #processes(): { name: string; pid: number }[] {
    const redis = this.#redis === undefined ? [] : [{ name: 'redis', pid: this.#redis.process.pid }];
    return [
      { name: 'server', pid: this.#server.pid },
      ...this.#clients.map(({ pid }) => ({ name: 'client', pid })),
      ...redis,
    ];
  }
}
