import type { PeerId } from '@libp2p/interface';

/** The node id of a peer: its Ed25519 public key, 64 hex digits. Undefined for a peer with another kind of key. */
export function nodeIdOf(peer: PeerId): string | undefined {
  const { publicKey } = peer;
  return publicKey?.type === 'Ed25519' ? Buffer.from(publicKey.raw).toString('hex') : undefined;
}
