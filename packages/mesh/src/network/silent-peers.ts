import type { Connection } from '@libp2p/interface';

/**
 * Finds peers that are connected but to whom no gossip goes: their stream was reset, as they read too slowly or broke the
 * protocol, and gossipsub opens another only with a new connection. So the connection is ended; whoever dialled dials again.
 */
export class SilentPeers {
  readonly #end: (connection: Connection) => unknown;
  readonly #looks: number;
  readonly #seen = new Map<string, number>();

  /** A peer is let go at the look that finds it without a stream for the `looks`-th time in a row. */
  constructor(end: (connection: Connection) => unknown, looks: number) {
    this.#end = end;
    this.#looks = looks;
  }

  /** To be called once a second. */
  look(connections: readonly Connection[], streams: ReadonlyMap<string, unknown>): void {
    const silent = connections.filter(({ remotePeer }) => !streams.has(remotePeer.toString()));
    const peers = new Set(silent.map(({ remotePeer }) => remotePeer.toString()));
    for (const peer of this.#seen.keys()) if (!peers.has(peer)) this.#seen.delete(peer);
    for (const peer of peers) this.#seen.set(peer, (this.#seen.get(peer) ?? 0) + 1);
    for (const connection of silent) {
      if ((this.#seen.get(connection.remotePeer.toString()) ?? 0) >= this.#looks) this.#end(connection);
    }
  }
}
