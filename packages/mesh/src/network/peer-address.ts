import { isIP } from 'node:net';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';

/** A peer is named in no form this node can dial. */
export class PeerAddressError extends Error {
  override readonly name = 'PeerAddressError';

  constructor(address: string, options?: ErrorOptions) {
    super(`${address}: a peer is named as host:port, [ipv6]:port or a multiaddr`, options);
  }
}

const HOST_AND_PORT = /^(?:\[(?<bracketed>[0-9A-Fa-f:.]+)\]|(?<plain>[^\s:/[\]]+)):(?<port>\d{1,5})$/;
const PORT_MAX = 65_535;
const PROTOCOLS = { 0: 'dns', 4: 'ip4', 6: 'ip6' } as const;

/** What to dial for `host:port`, `[ipv6]:port` or a multiaddr; names are resolved at each dial. Throws {@link PeerAddressError}. */
export function peerAddress(text: string): Multiaddr {
  try {
    if (text.startsWith('/')) return multiaddr(text);
    const { bracketed, plain, port } = HOST_AND_PORT.exec(text)?.groups ?? {};
    const host = bracketed ?? plain;
    if (host === undefined || Number(port) < 1 || Number(port) > PORT_MAX) throw new PeerAddressError(text);
    return tcpAddress(host, Number(port));
  } catch (error) {
    throw error instanceof PeerAddressError ? error : new PeerAddressError(text, { cause: error });
  }
}

/** The multiaddr of a host and a TCP port; port 0 is for listening on one the system chooses. */
export function tcpAddress(host: string, port: number): Multiaddr {
  const family = isIP(host) as 0 | 4 | 6;
  return multiaddr(`/${PROTOCOLS[family]}/${host}/tcp/${port}`);
}
