// The process of a MadPeer.
import { NodeKey } from '@macronode/keys';
import { ClaimSource } from '@macronode/mesh';
import { HostilePeer } from './hostile-peer.ts';

export interface MadOrder {
  /** Of its key, in hex. */
  readonly seed: string;
  /** Of the nodes it joins. */
  readonly addresses: readonly string[];
  /** An address that is accused with every round. */
  readonly about: string;
}

/** What it handed to the mesh, and in which time. */
export interface MadReport {
  readonly sent: number;
  readonly seconds: number;
}

/** Between two looks at what it is told. */
const ROUND = 50;
const TTL_S = 600;

process.on('disconnect', () => process.exit());
const { seed, addresses, about } = JSON.parse(process.argv[2] ?? '{}') as MadOrder;
const key = NodeKey.fromSeed(Buffer.from(seed, 'hex'));
const source = new ClaimSource(key, Date.now);
const peer = await HostilePeer.join(key, addresses, 'waf_reputation');
let sent = 0;
let startedAt = 0;
let over = false;
let flooding: Promise<void> = Promise.resolve();

async function say(subject: string): Promise<void> {
  const claim = { kind: 'waf_reputation', subject, score: 1, reason: 'malformed_flood', ttlS: TTL_S } as const;
  await peer.send(source.sign(claim).bytes);
  sent += 1;
}

async function flood(): Promise<void> {
  startedAt = performance.now();
  while (!over) {
    await say(about);
    for (let i = 1; i < ROUND; i += 1) await say(`10.${(sent >> 16) & 255}.${(sent >> 8) & 255}.${sent & 255}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

process.on('message', (order: 'flood' | 'end') => {
  if (order === 'flood') {
    flooding = flood();
    return;
  }
  over = true;
  const report: MadReport = { sent, seconds: (performance.now() - startedAt) / 1_000 };
  void flooding
    .then(() => peer[Symbol.asyncDispose]())
    .finally(() => process.send?.(report, () => process.disconnect()));
});
process.send?.('joined');
