import 'reflect-metadata';

/** Where a contestant finds what it needs: a Redis of its own, and a free port for one that listens itself. */
export interface Venue {
  readonly redisPort: number;
  readonly port: number;
}

export interface EchoClient {
  /** Sends the payload to the echo and answers what came back. */
  call(payload: unknown): Promise<unknown>;
}

/**
 * One way to ask another process for an answer. The server and each client run in processes of their own: nothing is
 * closed, a process that ends takes what it had with it.
 */
export interface Contestant {
  /** Starts the echo; resolves when it answers. */
  serve(venue: Venue): Promise<void>;
  /** Resolves when it is connected. */
  connect(venue: Venue): Promise<EchoClient>;
}

/** Handlers a server may run at once, in every contestant that has such a setting. */
export const SERVER_CONCURRENCY = 512;
