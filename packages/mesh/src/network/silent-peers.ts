import type { Connection } from '@libp2p/interface';

/** Looks, one a second, after which a peer without a gossip stream is let go: it takes less to open one. */
const LOOKS = 5;

/**
 * Finds peers that are connected but to whom no gossip goes: their stream was reset, as they read too slowly or broke the
 * protocol, and gossipsub opens another only with a new connection. So the connection is ended; whoever dialled dials again.
 */
export class SilentPeers {
  readonly #end: (connection: Connection) => unknown;
  readonly #seen = new Map<string, number>();

  constructor(end: (connection: Connection) => unknown) {
    this.#end = end;
  }

  look(connections: readonly Connection[], streams: ReadonlyMap<string, unknown>): void {
    const silent = connections.filter(({ remotePeer }) => !streams.has(remotePeer.toString()));
    const peers = new Set(silent.map(({ remotePeer }) => remotePeer.toString()));
    for (const peer of this.#seen.keys()) if (!peers.has(peer)) this.#seen.delete(peer);
    for (const peer of peers) this.#seen.set(peer, (this.#seen.get(peer) ?? 0) + 1);
    for (const connection of silent) {
      if ((this.#seen.get(connection.remotePeer.toString()) ?? 0) >= LOOKS) this.#end(connection);
    }
  }
}
