import { describe, expect, it } from 'vitest';
import { PeerAddressError, peerAddress } from './peer-address.ts';

describe('the address of a peer', () => {
  it.each([
    ['192.0.2.7:4001', '/ip4/192.0.2.7/tcp/4001'],
    ['[2001:db8::1]:4001', '/ip6/2001:db8::1/tcp/4001'],
    ['gateway-2:4001', '/dns/gateway-2/tcp/4001'],
    ['/dns4/mesh.example/tcp/4001', '/dns4/mesh.example/tcp/4001'],
  ])('%s is dialled as %s', (text, multiaddr) => {
    expect(peerAddress(text).toString()).toBe(multiaddr);
  });

  it.each([
    '',
    'host',
    'host:',
    ':4001',
    'host:0',
    'host:65536',
    'host:x',
    'a b:1',
    '2001:db8::1:4001',
    '/nonsense',
    'http://x:1',
  ])('%j is refused', (text) => {
    expect(() => peerAddress(text)).toThrow(PeerAddressError);
  });
});
