import { CONSOLE_LIMITS } from './history/limits.ts';

/** The ops port of another process. Several may have the same name: replicas of one service. */
export interface Peer {
  readonly name: string;
  /** Origin without a trailing slash: `http://host:port`. */
  readonly url: string;
}

/** What `OPS_PEERS` looks like; `parsePeers` reads what matches. */
export const PEERS_PATTERN = /^[a-z][a-z0-9-]*=http:\/\/[^\s,/@?#]+\/?(?:,[a-z][a-z0-9-]*=http:\/\/[^\s,/@?#]+\/?)*$/;

/** Reads `gateway=http://10.0.0.1:9080,storage=http://10.0.0.2:9083`. The order is the order on the page. */
export function parsePeers(text: string | undefined): readonly Peer[] {
  const pairs = text === undefined || text === '' ? [] : text.split(',');
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    return { name: pair.slice(0, at), url: pair.slice(at + 1).replace(/\/$/, '') };
  });
}

/** What is wrong with a list that looks right, in words for a start-up error. */
export function peerProblems(text: string | undefined): readonly string[] {
  const peers = parsePeers(text);
  if (peers.length > CONSOLE_LIMITS.peers)
    return [`OPS_PEERS names ${peers.length} ops ports; the console asks at most ${CONSOLE_LIMITS.peers}`];
  return peers.filter(({ url }) => !URL.canParse(url)).map(({ url }) => `OPS_PEERS: ${url} is not an address`);
}
