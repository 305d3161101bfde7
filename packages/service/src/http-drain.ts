import type { IncomingMessage, Server } from 'node:http';
import { Server as ListeningServer, type Socket } from 'node:net';

/** The event loop takes one waiting connection per turn; after so many turns without one, none waits. */
const QUIET_TURNS = 3;
/** Longest time waiting connections are still taken, in ms. */
const ACCEPT_MS_MAX = 1_000;
/** Connections without a request go when none of them has sent one for this long, in ms: clients at work ask sooner. */
const QUIET_MS = 250;
/** They go after this in any case, in ms. */
const IDLE_MS_MAX = 1_000;

/**
 * Closes a server so that no request is lost: what has connected is accepted before the port closes (with `reusePort`
 * nobody else would take it), and a connection without a request is kept for a moment, for its client may just be
 * sending one. Answers have to say `Connection: close` by then.
 */
export class HttpDrain {
  readonly #server: Server;
  /** Connections that never had a request; Node takes them for busy. */
  readonly #silent = new Set<Socket>();
  #lastRequestAt = 0;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#silent.add(socket);
      socket.once('close', () => this.#silent.delete(socket));
    });
    server.on('request', ({ socket }: IncomingMessage) => {
      this.#silent.delete(socket);
      this.#lastRequestAt = performance.now();
    });
  }

  /** Resolves when the last request is answered, or with `false` when `timeoutMs` passed and the rest was cut. */
  async close(timeoutMs: number): Promise<boolean> {
    const deadlineAt = performance.now() + timeoutMs;
    await this.#acceptWaiting();
    // Not the close of the HTTP server: that one cuts idle connections at once.
    let open = true;
    const closed = new Promise<void>((resolve) => {
      ListeningServer.prototype.close.call(this.#server, () => {
        open = false;
        resolve();
      });
    });
    const idleUntil = Math.min(deadlineAt, performance.now() + IDLE_MS_MAX);
    this.#lastRequestAt = performance.now();
    for (let left = QUIET_MS; open && left > 0; left = Math.min(this.#quietIn(), idleUntil - performance.now())) {
      await within(left, closed);
    }
    this.#server.closeIdleConnections();
    for (const socket of this.#silent) socket.destroy();
    if (open) await within(deadlineAt - performance.now(), closed);
    if (open) this.#server.closeAllConnections();
    return !open;
  }

  #quietIn(): number {
    return this.#lastRequestAt + QUIET_MS - performance.now();
  }

  async #acceptWaiting(): Promise<void> {
    const until = performance.now() + ACCEPT_MS_MAX;
    let quiet = 0;
    const onConnection = (): void => void (quiet = 0);
    this.#server.on('connection', onConnection);
    // The port has to close in the turn that found nobody waiting; what awaits this goes on within that turn.
    while (quiet < QUIET_TURNS && performance.now() < until) {
      await new Promise(setImmediate);
      quiet += 1;
    }
    this.#server.off('connection', onConnection);
  }
}

async function within(ms: number, closed: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms));
  });
  await Promise.race([closed, late]);
  clearTimeout(timer);
}
