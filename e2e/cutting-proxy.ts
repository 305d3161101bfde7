import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a node that breaks when a test says so, as a network does: without a word of HTTP. */
export class CuttingProxy implements AsyncDisposable {
  /** What was sent over each connection that was let through. */
  readonly asked: string[] = [];
  /** Connections that were turned away. */
  refused = 0;
  url = '';
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #dial: () => Socket;
  #refuses = false;
  /** Bytes of the node that are still handed on before the connection is cut. */
  #left = Number.POSITIVE_INFINITY;

  private constructor(dial: () => Socket) {
    this.#dial = dial;
    this.#server = createServer((client) => this.#take(client));
  }

  static async before(node: string): Promise<CuttingProxy> {
    const { hostname, port } = new URL(node);
    const proxy = new CuttingProxy(() => connect(Number(port === '' ? '80' : port), hostname));
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    proxy.url = `http://127.0.0.1:${(proxy.#server.address() as AddressInfo).port}`;
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await once(this.#server.close(), 'close');
  }

  /** Ends every connection there is. */
  cut(): void {
    for (const client of this.#clients) client.resetAndDestroy();
  }

  /** Ends the connection when so many more bytes of the node came over it: in the midst of what it says. */
  cutAfter(bytes: number): void {
    this.#left = bytes;
  }

  /** Ends every connection, and every one that is tried until `accept`. */
  refuse(): void {
    this.#refuses = true;
    this.cut();
  }

  accept(): void {
    this.#refuses = false;
  }

  #take(client: Socket): void {
    // A broken connection is what this is for: both sides hear of it by the close that follows.
    client.on('error', () => undefined);
    if (this.#refuses) {
      this.refused += 1;
      client.resetAndDestroy();
      return;
    }
    const node = this.#dial().on('error', () => undefined);
    const at = this.asked.push('') - 1;
    this.#clients.add(client);
    client.on('data', (bytes) => {
      this.asked[at] = (this.asked[at] ?? '') + bytes.toString('latin1');
      node.write(bytes);
    });
    node.on('data', (bytes) => this.#handOn(client, bytes));
    client.on('close', () => {
      this.#clients.delete(client);
      node.destroy();
    });
    node.on('close', () => client.destroy());
  }

  #handOn(client: Socket, bytes: Buffer): void {
    if (bytes.length < this.#left) {
      this.#left -= bytes.length;
      client.write(bytes);
      return;
    }
    client.write(bytes.subarray(0, this.#left), () => client.resetAndDestroy());
    this.#left = Number.POSITIVE_INFINITY;
  }
}
