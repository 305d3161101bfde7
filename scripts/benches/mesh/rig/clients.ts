import { Agent, request as httpRequest } from 'node:http';

/** Addresses of one group of clients; one of them is one percent. */
export const CLIENTS = 100;
/** Requests under way at a time: enough to keep the gateway busy, too few to queue. */
const USERS = 16;

/** What each request asks. */
export interface Asked {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: Buffer;
}

/** The addresses of a group: every address of 127.0.0.0/8 is this machine. `group` from 1 to 60,000. */
export const clientAddresses = (group: number): readonly string[] =>
  Array.from({ length: CLIENTS }, (_, n) => `127.${10 + (group >> 8)}.${group & 255}.${n + 1}`);

/** Clients with a connection each, from an address each, to one gateway. */
export class Clients implements Disposable {
  readonly #port: number;
  readonly #agents: readonly Agent[];
  /** Requests sent so far, for whose turn it is. */
  #sent = 0;

  constructor(port: number, addresses: readonly string[]) {
    this.#port = port;
    this.#agents = addresses.map((localAddress) => new Agent({ keepAlive: true, maxSockets: 1, localAddress }));
  }

  /** Sends `count` requests, of each client as many; answers how many were answered with which status. */
  async send(asked: Asked, count: number): Promise<Readonly<Record<number, number>>> {
    const statuses: Record<number, number> = {};
    let left = count;
    const user = async (): Promise<void> => {
      while (left-- > 0) {
        const agent = this.#agents[this.#sent++ % this.#agents.length];
        const status = await this.#one(asked, agent);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: USERS }, user));
    return statuses;
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents) agent.destroy();
  }

  #one({ method, path, body }: Asked, agent: Agent | undefined): Promise<number> {
    const headers = body === undefined ? {} : { 'content-length': body.length };
    const options = { host: '127.0.0.1', port: this.#port, path, method, headers, ...(agent && { agent }) };
    return new Promise((resolve, reject) => {
      const request = httpRequest(options, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      });
      request.once('error', reject);
      request.end(body);
    });
  }
}
