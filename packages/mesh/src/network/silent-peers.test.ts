import type { Connection } from '@libp2p/interface';
import { describe, expect, it } from 'vitest';
import { SilentPeers } from './silent-peers.ts';

const connectionTo = (peer: string): Connection => ({ remotePeer: { toString: () => peer } }) as Connection;

describe('peers without a gossip stream', () => {
  it('are let go after five looks in a row, and not before', () => {
    const ended: string[] = [];
    const silent = new SilentPeers((connection) => ended.push(connection.remotePeer.toString()), 5);
    const all = [connectionTo('quiet'), connectionTo('fine')];
    const streams = new Map([['fine', {}]]);
    for (let look = 0; look < 4; look += 1) silent.look(all, streams);
    silent.look(all, new Map([...streams, ['quiet', {}]]));
    for (let look = 0; look < 4; look += 1) silent.look(all, streams);
    expect(ended).toEqual([]);
    silent.look(all, streams);
    expect(ended).toEqual(['quiet']);
    silent.look([connectionTo('fine')], streams);
    silent.look(all, streams);
    expect(ended).toEqual(['quiet']);
  });
});
