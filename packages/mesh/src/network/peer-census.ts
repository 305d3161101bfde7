import type { MeshCounters } from '../metrics.ts';
import type { PeerSample } from '../mesh-thread-protocol.ts';

export interface CensusOptions {
  /** Peers in the mesh of each topic, by peer id. */
  readonly meshes: () => ReadonlyMap<string, ReadonlySet<string>>;
  /** Peers with a connection, each once. */
  readonly connected: () => Iterable<string>;
  /** Name of a peer in the trust list, else `unknown`. */
  readonly clientOf: (peer: string) => string;
  /** Names that are shown though nobody of them is there. */
  readonly clients: () => Iterable<string>;
  readonly counters: Pick<MeshCounters, 'peerSamples' | 'peerSampleFailures'>;
  readonly tell: (sample: PeerSample) => void;
  /** Told of the first of a run of failures. */
  readonly failed: (error: unknown) => void;
}

/**
 * Counts the peers anew: once a second, and on what can change them. Never by adding and subtracting: a peer whose
 * connection breaks leaves every mesh without a word of it. What it costs depends on the peers, so messages do not lead here.
 */
export class PeerCensus {
  readonly #options: CensusOptions;
  #failing = false;

  constructor(options: CensusOptions) {
    this.#options = options;
  }

  /** Never throws: the mesh goes on with the last count. */
  take(): void {
    const { counters, tell, failed } = this.#options;
    counters.peerSamples.inc();
    try {
      tell(this.#sample());
      this.#failing = false;
    } catch (error) {
      counters.peerSampleFailures.inc();
      if (!this.#failing) failed(error);
      this.#failing = true;
    }
  }

  #sample(): PeerSample {
    const { meshes, connected, clients } = this.#options;
    const meshed = new Set<string>();
    for (const peers of meshes().values()) for (const peer of peers) meshed.add(peer);
    return {
      meshed: this.#byClient(meshed),
      connected: this.#byClient(new Set(connected())),
      clients: [...clients()],
    };
  }

  #byClient(peers: ReadonlySet<string>): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const peer of peers) {
      const client = this.#options.clientOf(peer);
      counts[client] = (counts[client] ?? 0) + 1;
    }
    return counts;
  }
}
