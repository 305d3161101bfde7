// What comes over the mesh while it is verified: claims of the gateway, of its peer, and some that nobody made who may.
import { setTimeout as delay } from 'node:timers/promises';
import { NodeKey } from '@macronode/keys';
import { type Claim, ClaimSource } from '@macronode/mesh';
import { poll } from '../../poll.ts';
import { HostilePeer } from '../../rig/hostile-peer.ts';
import type { Ledger } from '../../rig/ledger.ts';
import { type Mend, repeating } from '../../rig/mend.ts';
import { MadPeer } from '../../rig/mad-peer.ts';
import { MeshDesk } from '../../rig/mesh-desk.ts';
import type { Rig } from '../rig.ts';
import { freshClaim } from './rig-mesh.ts';

const ARRIVE_TIMEOUT_MS = 10_000;
const LOOKUPS_PER_CLAIM = 3;
/** Addresses a flood speaks of: few, so that the table stays small. */
const FLOOD_SUBJECTS = 200;
const FORGERY_PAUSE_MS = 500;
/** Until what was sent has left the socket. */
const LEAVE_MS = 500;

export const deskOf = ({ opsUrl, adminToken }: Rig): MeshDesk => new MeshDesk(opsUrl, adminToken);

/** Claims of both sides, and lookups of the clients the other one told of. */
export async function talk(rig: Rig, ledger: Ledger, rounds: number): Promise<void> {
  const desk = deskOf(rig);
  const { peer } = rig.mesh;
  // A miss is counted on neither side.
  const lookUp = async (address: string): Promise<boolean> => {
    const isKnown = (await desk.standing(address)).standing !== null;
    if (isKnown) ledger.add('lookups that hit');
    return isKnown;
  };
  for (let i = 0; i < rounds; i += 1) {
    const told = freshClaim();
    await desk.publish({ kind: 'waf_reputation', subject: told.subject, score: told.score, ttl_s: told.ttlS });
    ledger.add('claims published');
    const arrived = (): boolean => peer.claims({ subject: told.subject, limit: 1 }).length > 0;
    await poll('the claim to reach the peer', ARRIVE_TIMEOUT_MS, arrived);
    const heard = peer.publish(freshClaim());
    ledger.add('claims of the peer');
    await poll('the claim to reach the gateway', ARRIVE_TIMEOUT_MS, () => lookUp(heard.subject));
    for (let more = 1; more < LOOKUPS_PER_CLAIM; more += 1) await lookUp(heard.subject);
  }
}

/** Claims of a key nobody trusts, passed on by one who is trusted. */
export async function foreign(rig: Rig, ledger: Ledger, claims: number): Promise<void> {
  const source = new ClaimSource(NodeKey.ephemeral(), Date.now);
  await using liar = await HostilePeer.join(rig.mesh.key('liar'), [rig.mesh.gatewayAddress], 'waf_reputation');
  for (let i = 0; i < claims; i += 1) await liar.send(source.sign(freshClaim()).bytes);
  ledger.add('claims untrusted', claims);
  await delay(LEAVE_MS);
}

/** The name of the peer, and a signature that is not its. */
function forged(source: ClaimSource, claim: Claim): Uint8Array {
  const bytes = Uint8Array.from(source.sign(claim).bytes);
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  return bytes;
}

/** A trust list that is cut off in the middle of a line, read so many times, and then a whole one. */
export async function damagedTrust(rig: Rig, ledger: Ledger, reads: number): Promise<void> {
  const { mesh } = rig;
  const desk = deskOf(rig);
  const reload = async (): Promise<void> => ledger.add(`trust lists ${(await desk.reload()).result}`);
  mesh.damageTrust();
  try {
    for (let i = 0; i < reads; i += 1) await reload();
  } finally {
    mesh.writeTrust();
    await reload();
  }
}

/** Forged claims of both sorts until it is mended. */
export async function forging(rig: Rig): Promise<Mend> {
  const ofStranger = new ClaimSource(NodeKey.ephemeral(), Date.now);
  const ofPeer = new ClaimSource(rig.mesh.key('peer'), Date.now);
  const join = (name: 'liar' | 'forger'): Promise<HostilePeer> =>
    HostilePeer.join(rig.mesh.key(name), [rig.mesh.gatewayAddress], 'waf_reputation');
  const [carrier, forger] = [await join('liar'), await join('forger')];
  const stop = repeating(async () => {
    await carrier.send(ofStranger.sign(freshClaim()).bytes);
    await forger.send(forged(ofPeer, freshClaim()));
    await delay(FORGERY_PAUSE_MS);
  });
  return async () => {
    await stop();
    await carrier[Symbol.asyncDispose]();
    await forger[Symbol.asyncDispose]();
  };
}

/** Good claims of a node of the list, as fast as it can send them, until it is mended. */
export async function flooding(rig: Rig): Promise<Mend> {
  const { mesh } = rig;
  const noisy = await MadPeer.join(mesh.key('noisy'), [mesh.gatewayAddress], freshClaim().subject, FLOOD_SUBJECTS);
  noisy.flood();
  return () => noisy.end();
}
