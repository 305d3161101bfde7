// The network between gateways: a proxy for each way one of them may dial another.
import { type ChildProcess, spawn } from 'node:child_process';
import type { ToxicAttributes } from '../../packages/bus/src/redis/toxic-network-fixture.ts';
import { provideGoTool, TOXIPROXY } from '../go-tools.ts';
import { answersOk, poll } from '../poll.ts';
import { freePort } from '../ports.ts';

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 10_000;

interface Link {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly address: string;
}

/** Links between nodes that are numbered from 0. */
export class MeshLinks implements AsyncDisposable {
  readonly #api: string;
  readonly #process: ChildProcess;
  readonly #links: readonly Link[];

  private constructor(api: string, process: ChildProcess, links: readonly Link[]) {
    this.#api = api;
    this.#process = process;
    this.#links = links;
  }

  /** Between nodes that listen, or will listen, on these ports. */
  static async between(ports: readonly number[]): Promise<MeshLinks> {
    const port = await freePort();
    const child = spawn(await provideGoTool(TOXIPROXY), ['-host', HOST, '-port', String(port)], { stdio: 'ignore' });
    const api = `http://${HOST}:${port}`;
    const links: Link[] = [];
    for (const from of ports.keys())
      for (const to of ports.keys())
        if (from !== to) links.push({ name: `${from}-${to}`, from, to, address: `${HOST}:${await freePort()}` });
    const network = new MeshLinks(api, child, links);
    try {
      await poll('the proxy of the mesh', START_TIMEOUT_MS, () => answersOk(`${api}/version`));
      for (const { name, to, address } of links)
        await network.#post('/proxies', { name, listen: address, upstream: `${HOST}:${ports[to]}`, enabled: true });
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
    return network;
  }

  /** Where this node finds each of the others. */
  peersOf(node: number): readonly string[] {
    return this.#links.filter(({ from }) => from === node).map(({ address }) => address);
  }

  /** Makes both directions of all links to and from one node ill, on present and future connections. */
  async poison<T extends keyof ToxicAttributes>(node: number, type: T, attributes: ToxicAttributes[T]): Promise<void> {
    for (const { name } of this.#links.filter(({ from, to }) => from === node || to === node))
      for (const stream of ['upstream', 'downstream'])
        await this.#post(`/proxies/${name}/toxics`, {
          name: `${type}_${stream}`,
          type,
          stream,
          toxicity: 1,
          attributes,
        });
  }

  /** Makes every link sound again. Connections that were stalled are closed by it. */
  heal(): Promise<void> {
    return this.#post('/reset', {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await gone;
  }

  async #post(path: string, body: unknown): Promise<void> {
    const reply = await fetch(this.#api + path, { method: 'POST', body: JSON.stringify(body) });
    if (!reply.ok) throw new Error(`toxiproxy: ${path}: ${reply.status} ${await reply.text()}`);
  }
}
