// The process of a MadPeer.
import { NodeKey } from '@macronode/keys';
import { ClaimSource } from '@macronode/mesh';
import { HostilePeer } from './hostile-peer.ts';

export interface MadOrder {
  /** Of its key, in hex. */
  readonly seed: string;
  /** Of the nodes it joins. */
  readonly addresses: readonly string[];
  /** An address that is accused again and again. */
  readonly about: string;
  /** How many others it speaks of. */
  readonly others: number;
}

/** What each of its peers was sent at least, and in which time. */
export interface MadReport {
  readonly sent: number;
  readonly seconds: number;
}

/** Signed before it joins, so that the flood itself costs no signature: far more than is taken of one source before they come round again. */
const CLAIMS = 20_000;
/** One of so many accuses the one address. */
const ABOUT_EVERY = 50;
const TTL_S = 600;

process.on('disconnect', () => process.exit());
const { seed, addresses, about, others } = JSON.parse(process.argv[2] ?? '{}') as MadOrder;
const key = NodeKey.fromSeed(Buffer.from(seed, 'hex'));
const source = new ClaimSource(key, Date.now);
const claims = Array.from({ length: CLAIMS }, (_, n) => {
  const other = n % others;
  const subject = n % ABOUT_EVERY === 0 ? about : `10.${other >> 16}.${(other >> 8) & 255}.${other & 255}`;
  return source.sign({ kind: 'waf_reputation', subject, score: 1, reason: 'malformed_flood', ttlS: TTL_S }).bytes;
});
const peer = await HostilePeer.join(key, addresses, 'waf_reputation');
const over = new AbortController();
let startedAt = 0;
let flooding: Promise<number> = Promise.resolve(0);

async function end(): Promise<MadReport> {
  over.abort();
  const sent = await flooding;
  const seconds = (performance.now() - startedAt) / 1_000;
  await peer[Symbol.asyncDispose]();
  return { sent, seconds };
}

process.on('message', (order: 'flood' | 'end') => {
  if (order === 'end') return void end().then((report) => process.send?.(report, () => process.disconnect()));
  startedAt = performance.now();
  flooding = peer.flood(claims, over.signal);
});
process.send?.('joined');
