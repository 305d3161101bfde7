import type { Socket } from 'node:net';
import { canonicalAddress } from '@macronode/mesh';

const ADDRESS = Symbol('canonical address of the client');

interface AddressedSocket extends Socket {
  [ADDRESS]?: string | undefined;
}

/**
 * The address of the client at the other end, in canonical form: the one resolver for what is counted, looked up and told to
 * other gateways. It is that of the connection, since no proxy is trusted; worked out once for each. Undefined once the
 * connection is gone.
 */
export function addressOf(socket: AddressedSocket): string | undefined {
  const known = socket[ADDRESS];
  if (known !== undefined) return known;
  const { remoteAddress } = socket;
  return (socket[ADDRESS] = remoteAddress === undefined ? undefined : canonicalAddress(remoteAddress));
}
