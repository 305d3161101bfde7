import { describe, expect, it } from 'vitest';
import { CONSOLE_LIMITS } from './history/limits.ts';
import { parsePeers, peerProblems, PEERS_PATTERN } from './peers.ts';

describe('the list of peers', () => {
  it('is read in order, replicas included', () => {
    expect(parsePeers('gateway=http://10.0.0.1:9080/,gateway=http://10.0.0.2:9080')).toEqual([
      { name: 'gateway', url: 'http://10.0.0.1:9080' },
      { name: 'gateway', url: 'http://10.0.0.2:9080' },
    ]);
    expect(parsePeers(undefined)).toEqual([]);
  });

  it.each(['a=http://h:1', 'a=http://h:1,b=http://[::1]:2', 'storage=http://storage:9083'])('takes %s', (text) => {
    expect(PEERS_PATTERN.test(text)).toBe(true);
    expect(peerProblems(text)).toEqual([]);
  });

  it.each(['a', 'a=h:1', 'a=https://h:1', 'a=http://h:1,', 'a=http://h:1/path', 'a=http://user@h:1', 'A=http://h:1'])(
    'refuses %s',
    (text) => expect(PEERS_PATTERN.test(text)).toBe(false),
  );

  it('is bounded, and its addresses are addresses', () => {
    const many = Array.from({ length: CONSOLE_LIMITS.peers + 1 }, (_, at) => `a=http://h:${at + 1}`).join(',');
    expect(peerProblems(many)).toEqual([expect.stringContaining('at most')]);
    expect(peerProblems('a=http://h:99999')).toEqual([expect.stringContaining('is not an address')]);
  });
});
