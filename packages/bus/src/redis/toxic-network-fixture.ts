import { type ChildProcess, spawn } from 'node:child_process';
import { freePort, until } from './redis-fixture.ts';

/** What may be wrong with the network; toxiproxy's own names and units (ms, KiB/s, bytes). */
export interface ToxicAttributes {
  /** Delays all data by `latency` ms, give or take `jitter`. */
  readonly latency: { readonly latency: number; readonly jitter?: number };
  /** At most `rate` KiB/s. */
  readonly bandwidth: { readonly rate: number };
  /** Cuts data into pieces of about `average_size` bytes, `delay` microseconds between them. */
  readonly slicer: { readonly average_size: number; readonly size_variation: number; readonly delay: number };
  /** Swallows all data; with `timeout` 0 the connection stays open. */
  readonly timeout: { readonly timeout: number };
  /** Resets the connection after `timeout` ms. */
  readonly reset_peer: { readonly timeout: number };
  /** Closes the connection after that many bytes. */
  readonly limit_data: { readonly bytes: number };
}

/** A real proxy between links and their Redis that makes the network slow, narrow, or gone. */
export class ToxicNetwork {
  /** Where links find Redis through this network. */
  readonly url: string;
  /** Where toxiproxy itself is told what to do. */
  readonly api: string;
  readonly #process: ChildProcess;

  private constructor(url: string, api: string, process: ChildProcess) {
    this.url = url;
    this.api = api;
    this.#process = process;
  }

  /** Starts a toxiproxy of the test's own in front of a Redis; `TOXIPROXY_SERVER` names the program. */
  static async to(redisUrl: string): Promise<ToxicNetwork> {
    const [apiPort, port] = [await freePort(), await freePort()];
    const program = process.env['TOXIPROXY_SERVER'] ?? 'toxiproxy-server';
    const child = spawn(program, ['-host', '127.0.0.1', '-port', String(apiPort)], { stdio: 'ignore' });
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    const api = `http://127.0.0.1:${apiPort}`;
    const answers = async (): Promise<boolean> => {
      if (failure !== undefined) throw new Error(`${program} does not start: ${failure.message}`);
      return fetch(`${api}/version`).then(
        (reply) => reply.ok,
        () => false,
      );
    };
    await until(answers, 'toxiproxy answers');
    const network = new ToxicNetwork(`redis://127.0.0.1:${port}`, api, child);
    const listen = `127.0.0.1:${port}`;
    await network.#post('/proxies', { name: 'redis', listen, upstream: new URL(redisUrl).host, enabled: true });
    return network;
  }

  /** Makes both directions ill, on present and future connections. */
  async poison<T extends keyof ToxicAttributes>(type: T, attributes: ToxicAttributes[T]): Promise<void> {
    for (const stream of ['upstream', 'downstream']) {
      const name = `${type}_${stream}`;
      await this.#post('/proxies/redis/toxics', { name, type, stream, toxicity: 1, attributes });
    }
  }

  /** Refuses connections and closes those there are. */
  cut(): Promise<void> {
    return this.#post('/proxies/redis', { enabled: false });
  }

  /** Takes every toxic away and lets connections through again. */
  heal(): Promise<void> {
    return this.#post('/reset', {});
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await gone;
  }

  async #post(path: string, body: unknown): Promise<void> {
    const reply = await fetch(this.api + path, { method: 'POST', body: JSON.stringify(body) });
    if (!reply.ok) throw new Error(`toxiproxy: ${path}: ${reply.status} ${await reply.text()}`);
  }
}
