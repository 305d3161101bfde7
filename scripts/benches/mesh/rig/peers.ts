import { Child } from '../../../measure/child.ts';
import { poll } from '../../../poll.ts';
import type { MeshFolder } from './folder.ts';
import type { Gateway } from './gateway.ts';
import type { PeerMessage, PeerOrder } from './peer-messages.ts';

const CONNECT_TIMEOUT_MS = 30_000;
/** The first octet of what a peer claims: each has a network of its own. */
const NETWORK = 20;

type Peer = Child<PeerMessage>;

/** The other nodes of a mesh, which only say things. */
export class Peers implements AsyncDisposable {
  readonly addresses: readonly string[];
  readonly #peers: readonly Peer[];

  private constructor(peers: readonly Peer[], addresses: readonly string[]) {
    this.#peers = peers;
    this.addresses = addresses;
  }

  /** Starts them one after the other, each a peer of those before it. */
  static async start(folder: MeshFolder, nodes: readonly string[]): Promise<Peers> {
    const peers: Peer[] = [];
    const addresses: string[] = [];
    try {
      for (const [at, node] of nodes.entries()) {
        const args = [folder.keyFile(node), folder.trustFile, String(NETWORK + at), ...addresses];
        const peer = new Child<PeerMessage>(new URL('peer-process.ts', import.meta.url), args);
        peers.push(peer);
        addresses.push((await peer.next('listening')).address);
      }
    } catch (error) {
      await Promise.all(peers.map((peer) => peer.stop()));
      throw error;
    }
    return new Peers(peers, addresses);
  }

  /** Waits until a gateway has all of them in its mesh. */
  async meshedWith(gateway: Gateway): Promise<void> {
    await poll(`peers of gateway ${gateway.name}`, CONNECT_TIMEOUT_MS, async () => {
      return (await gateway.scrape()).total('lean_gossip_mesh_peers') === this.#peers.length;
    });
  }

  /** Each publishes so many claims a second from now on; how many all of them have published until now. */
  async say(perSecond: number): Promise<number> {
    const published = await Promise.all(
      this.#peers.map((peer) => {
        const answer = peer.next('published');
        peer.send({ perSecond } satisfies PeerOrder);
        return answer;
      }),
    );
    return published.reduce((sum, { claims }) => sum + claims, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.stop()));
  }
}
