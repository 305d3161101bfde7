import type { ConnectionGater, PeerId } from '@libp2p/interface';
import type { Trust } from '../identity/trust-list.ts';
import { nodeIdOf } from './peer-identity.ts';

/**
 * Lets nobody in, and dials nobody, who is not in the trust list. It decides after the handshake of the encryption, in
 * both directions: before it, who is there is only what they say.
 */
export function trustGater(trust: Trust): ConnectionGater {
  const denied = (peer: PeerId): boolean => {
    const nodeId = nodeIdOf(peer);
    return nodeId === undefined || !trust.has(nodeId);
  };
  return {
    denyDialPeer: denied,
    denyDialMultiaddr: () => false,
    denyInboundEncryptedConnection: denied,
    denyOutboundEncryptedConnection: denied,
    denyInboundRelayReservation: () => true,
    denyInboundRelayedConnection: () => true,
    denyOutboundRelayedConnection: () => true,
  };
}
