// Peers that mean harm: one that is mad, and some that forge.
import { NodeKey } from '@macronode/keys';
import { type Claim, ClaimSource, MESH_LIMITS } from '@macronode/mesh';
import { comesTrue } from '../../../poll.ts';
import { HostilePeer, isLetIn } from '../../../rig/hostile-peer.ts';
import { MadPeer } from '../../../rig/mad-peer.ts';
import { requestsGoOn } from '../../expectation.ts';
import { MeshCounts } from '../../mesh-counts.ts';
import type { MeshedGateway, MeshedNode } from '../../meshed-node.ts';
import type { Scenario, Surroundings } from '../../scenario.ts';
import { eachTold, freshSubject } from './claims-told.ts';
import { onMesh } from './on-mesh.ts';

/** A flood may make an honest claim wait, and no longer. */
const HONEST_TIMEOUT_MS = 5_000;
const DROPPED_TIMEOUT_MS = 10_000;
const HONEST_ROUNDS = 3;
/** Times what is taken of one source; what is slower than that is no flood. */
const FLOOD_FACTOR = 10;
/** Where the load asks from: the mad peer accuses it too, and alone. */
const LOAD_ADDRESS = '127.0.0.1';
const TTL_S = 600;
/** Of each sort that gossip does not hold against who brought it. */
const FORGERIES = 20;
/** Further ahead than clocks differ. */
const AHEAD_MS = 2 * MESH_LIMITS.clockAheadMs;
const COUNTED_TIMEOUT_MS = 5_000;
/** What gossip drops unread, as the score of who brought it is too low. */
const NOT_READ = 'gossipsub_rpc_rcv_not_accepted_total';

async function flood(node: MeshedNode, { find, note }: Surroundings) {
  const { gateways } = node;
  await using stack = new AsyncDisposableStack();
  const mad = await MadPeer.join(
    node.key('mad'),
    gateways.map(({ meshAddress }) => meshAddress),
    LOAD_ADDRESS,
  );
  stack.use(mad);
  mad.flood();
  const overRate = async (gateway: MeshedGateway): Promise<number> => {
    const counts = await MeshCounts.of(gateway);
    const reasons = ['rate', 'connection_rate'].map((reason) => counts.of('mesh_claims_dropped_total', { reason }));
    return reasons.reduce((sum, dropped) => sum + dropped, 0);
  };
  const bites = async (): Promise<boolean> => (await Promise.all(gateways.map(overRate))).every((count) => count > 0);
  if (!(await comesTrue(DROPPED_TIMEOUT_MS, bites))) find('not every gateway dropped something for its rate');
  stack.move();
  return async (): Promise<void> => {
    const { sent, seconds } = await mad.end();
    const perSecond = Math.round(sent / seconds);
    note(`flood of ${perSecond} claims/s to each gateway at least, for ${Math.round(seconds)} s`);
    if (perSecond < FLOOD_FACTOR * MESH_LIMITS.sourceEnvelopesPerSecond)
      find(`${perSecond} claims/s are no flood: ${MESH_LIMITS.sourceEnvelopesPerSecond} of one source are taken`);
    for (const gateway of gateways) await tableIsBounded(gateway, seconds, find);
  };
}

/** No more of the mad peer than its rate allows is in a table, however much it sent. */
async function tableIsBounded(
  { name, desk }: MeshedGateway,
  seconds: number,
  find: Surroundings['find'],
): Promise<void> {
  const { sourceBurst, sourceEnvelopesPerSecond } = MESH_LIMITS;
  const most = sourceBurst + sourceEnvelopesPerSecond * seconds;
  const { counts } = await desk.status();
  // What honest gateways said in this run and the ones before is a few hundred.
  if (counts.claims > most + sourceBurst) find(`${name} holds ${counts.claims} claims, and its rate allows ${most}`);
}

type Forgery = readonly [reason: string, bytes: (claim: Claim) => Uint8Array];

const claim = (): Claim => ({
  kind: 'waf_reputation',
  subject: freshSubject(),
  score: 1,
  reason: 'operator',
  ttlS: TTL_S,
});

/** A genuine envelope with one bit of it changed. */
function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

/** By a stranger, unreadable, too long, and of tomorrow. */
function forgeries(liar: NodeKey): readonly Forgery[] {
  const stranger = new ClaimSource(NodeKey.ephemeral(), Date.now);
  const own = new ClaimSource(liar, Date.now);
  const early = new ClaimSource(liar, () => Date.now() + AHEAD_MS);
  return [
    ['untrusted', (one) => stranger.sign(one).bytes],
    ['malformed', (one) => flipped(own.sign(one).bytes, 0)],
    ['size', (one) => Buffer.concat([own.sign(one).bytes, Buffer.alloc(MESH_LIMITS.envelopeBytes)])],
    ['clock', (one) => early.sign(one).bytes],
  ];
}

const dropsOf = (counts: MeshCounts, reason: string): number => counts.of('mesh_claims_dropped_total', { reason });

async function forge(node: MeshedNode, { find, note }: Surroundings) {
  const [victim] = node.gateways;
  const before = await MeshCounts.of(victim);
  const { claims } = (await victim.desk.status()).counts;
  if (await isLetIn(NodeKey.ephemeral(), victim.meshAddress)) find('a node that is not in the trust list was let in');
  const sorts = forgeries(node.key('liar'));
  await using liar = await HostilePeer.join(node.key('liar'), [victim.meshAddress], 'waf_reputation');
  for (let i = 0; i < FORGERIES; i += 1) for (const [, bytes] of sorts) await liar.send(bytes(claim()));
  const counted = async (): Promise<boolean> => {
    const now = await MeshCounts.of(victim);
    return sorts.every(([reason]) => dropsOf(now, reason) - dropsOf(before, reason) === FORGERIES);
  };
  const all = await comesTrue(COUNTED_TIMEOUT_MS, counted);
  const now = await MeshCounts.of(victim);
  const told = sorts.map(([reason]) => `${dropsOf(now, reason) - dropsOf(before, reason)} ${reason}`).join(', ');
  note(`of ${FORGERIES} each dropped: ${told}`);
  if (!all) find(`of ${FORGERIES} forgeries of each sort were counted: ${told}`);
  await forgeSignatures(node, { find, note });
  // What the gateways say themselves meanwhile is nothing: a table that grew has taken a forgery.
  const after = (await victim.desk.status()).counts.claims;
  if (after > claims) find(`the table grew from ${claims} to ${after} claims by forgeries`);
}

/** In the name of another gateway, until whoever brings them is not heard any more. */
async function forgeSignatures(node: MeshedNode, { find, note }: Pick<Surroundings, 'find' | 'note'>): Promise<void> {
  const [victim, other] = node.gateways;
  const key = node.key('forger');
  const counts = await MeshCounts.of(victim);
  const [before, unread] = [dropsOf(counts, 'signature'), counts.of(NOT_READ)];
  const genuine = new ClaimSource(key, Date.now);
  await using forger = await HostilePeer.join(key, [victim.meshAddress], 'waf_reputation');
  const isShutOut = async (): Promise<boolean> => {
    await forger.send(renamed(genuine.sign(claim()).bytes, key.publicKeyHex, other.nodeId));
    return (await MeshCounts.of(victim)).of(NOT_READ) > unread;
  };
  if (!(await comesTrue(COUNTED_TIMEOUT_MS, isShutOut))) find('whoever brings false signatures is heard on and on');
  const looked = dropsOf(await MeshCounts.of(victim), 'signature') - before;
  if (looked === 0) find('no false signature was counted');
  note(`${looked} false signatures looked at, and what came after them not read`);
}

/** The envelope as if another node had said it: everything but the signature is right. */
function renamed(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const at = Buffer.from(bytes).indexOf(Buffer.from(from, 'hex'));
  if (at < 0) throw new Error('an envelope without its source');
  const changed = Buffer.from(bytes);
  Buffer.from(to, 'hex').copy(changed, at);
  return changed;
}

export const hostile: readonly Scenario[] = [
  onMesh({
    name: 'mesh_forged',
    what: `a node that is not in the trust list dials a gateway; one that is passes on ${FORGERIES} claims each of a stranger, unreadable, too long, and dated ahead; another one sends claims in the name of a gateway until it is shut out`,
    seconds: 2,
    expects: requestsGoOn({ recovery: 5 }),
    make: async (node, seen) => {
      await forge(node, seen);
      return () => Promise.resolve();
    },
  }),
  onMesh({
    name: 'mesh_claim_flood',
    what: 'a node of the trust list floods all gateways with good claims, among them one about the clients, as fast as it can',
    seconds: 20,
    quickSeconds: 8,
    // Its claims stay for a day.
    spoils: true,
    expects: requestsGoOn({ recovery: 10 }),
    make: flood,
    during: async ({ gateways }, seen) => {
      for (let i = 0; i < HONEST_ROUNDS; i += 1) await eachTold(gateways, gateways, HONEST_TIMEOUT_MS, seen);
    },
  }),
];
