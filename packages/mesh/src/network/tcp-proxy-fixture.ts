import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A wire that can be cut: connections to it go on to a port, until they are destroyed without a goodbye. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #refuses = false;
  #port: number;

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((near) => {
      if (this.#refuses) return void near.resetAndDestroy();
      const far = connect(this.#port, '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('close', () => this.#sockets.delete(socket));
        // The other end hears of it as it would over a wire.
        socket.on('error', () => (socket === near ? far : near).resetAndDestroy());
      }
      near.pipe(far);
      far.pipe(near);
    });
  }

  static async to(port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(port);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Destroys every connection, and takes no more. */
  cut(): void {
    this.#refuses = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Where the next connections go on to. */
  pointTo(port: number): void {
    this.#port = port;
  }

  mend(): void {
    this.#refuses = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
