// A gateway of the mesh that is gone, with its key whole and with its key damaged; and one whose audit log has no room.
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { MESH_LIMITS } from '@macronode/mesh';
import { comesTrue } from '../../../poll.ts';
import { repeating } from '../../../rig/mend.ts';
import { ACCOUNTED, requestsGoOn } from '../../expectation.ts';
import { MeshCounts } from '../../mesh-counts.ts';
import type { MeshedGateway, MeshedNode } from '../../meshed-node.ts';
import type { Scenario, Surroundings } from '../../scenario.ts';
import { eachTold, tell, told } from './claims-told.ts';
import { onMesh } from './on-mesh.ts';

const TOLD_TIMEOUT_MS = 5_000;
const SEEN_GONE_TIMEOUT_MS = 2_000;
/** Peers find who is back within the first; it asks for what it lacks as soon as it is connected. */
const BACK_TIMEOUT_MS = MESH_LIMITS.redialMaxMs + MESH_LIMITS.syncIntervalMs;
/** What fits into the page that is not full yet is still written. */
const LOST_TIMEOUT_MS = 10_000;
const FULL_BYTES = 0;
/** Characters before the secret in the text of a key. */
const SECRET_AT = 24;
const TELL_PAUSE_MS = 100;
/** A file that failed is tried again after a second, then twice as long each time, 32 s at most. */
const WRITTEN_AGAIN_TIMEOUT_MS = 40_000;

const peersOf = async (gateway: MeshedGateway): Promise<number> =>
  (await MeshCounts.of(gateway)).of('lean_connected_peers');

/** The gauge of peers comes to a number, in ms. */
async function peersBecome(gateways: readonly MeshedGateway[], count: number, timeoutMs: number) {
  const from = performance.now();
  const all = async (): Promise<boolean> =>
    (await Promise.all(gateways.map(peersOf))).every((peers) => peers === count);
  return (await comesTrue(timeoutMs, all)) ? Math.round(performance.now() - from) : undefined;
}

async function kill({ gateways }: MeshedNode, seen: Surroundings) {
  const [first, second, killed] = gateways;
  const others = [first, second];
  const { find, note } = seen;
  const [own, takenBack] = [await tell(killed), await tell(killed)];
  for (const subject of [own, takenBack])
    if ((await told(gateways, subject, TOLD_TIMEOUT_MS)) === undefined)
      find('a claim does not reach all before the kill');
  const [before] = await first.desk.claims(own);
  await killed.process.end('SIGKILL');
  const ms = await peersBecome(others, 1, SEEN_GONE_TIMEOUT_MS);
  if (ms === undefined) find(`the others still count a peer that was killed ${SEEN_GONE_TIMEOUT_MS / 1_000} s ago`);
  else note(`gone from the gauges after ${ms} ms`);
  await eachTold(others, others, TOLD_TIMEOUT_MS, seen);
  const meanwhile = await tell(first);
  return async (): Promise<void> => {
    await killed.process.start();
    const back = await told([killed], meanwhile, BACK_TIMEOUT_MS);
    if (back === undefined) find('a gateway that is back does not learn what was said meanwhile');
    else note(`it had the table ${back} ms after it was ready`);
    const isSame = await told([killed], own, BACK_TIMEOUT_MS, (claims) =>
      claims.some(({ source, made_at }) => source === killed.nodeId && made_at === before?.made_at),
    );
    if (isSame === undefined) find('what it said before is not what it was any more');
    await killed.desk.revoke('waf_reputation', takenBack);
    const isRevoked = await told(gateways, takenBack, BACK_TIMEOUT_MS, (claims) =>
      claims.every(({ revoked }) => revoked),
    );
    if (isRevoked === undefined) find('it cannot take back what it said before it was killed');
  };
}

/** A bit of the secret half, at the first place from there on where the file is still text of a key. */
function flipBit(pem: string): string {
  for (let at = pem.indexOf('\n') + SECRET_AT; ; at += 1) {
    const flipped = String.fromCharCode(pem.charCodeAt(at) ^ 1);
    if (/[A-Za-z0-9]/.test(flipped)) return pem.slice(0, at) + flipped + pem.slice(at + 1);
  }
}

async function damageIdentity({ gateways }: MeshedNode, seen: Surroundings) {
  const [first, damaged, third] = gateways;
  const others = [first, third];
  const { find, note } = seen;
  const { nodeId, keyFile, process } = damaged;
  const whole = readFileSync(keyFile, 'utf8');
  await process.end('SIGTERM');
  const broken = flipBit(whole);
  writeFileSync(keyFile, broken);
  const refusal = await process.start().then(
    () => undefined,
    (error: unknown) => String(error),
  );
  if (refusal === undefined) find('a gateway started with a damaged key');
  else if (!refusal.includes(`key file ${keyFile}`)) find(`it does not say what is wrong: ${refusal.slice(-200)}`);
  if (readFileSync(keyFile, 'utf8') !== broken) find('a damaged key file was written over');
  await eachTold(others, others, TOLD_TIMEOUT_MS, seen);
  const meanwhile = await tell(first);
  return async (): Promise<void> => {
    await process.end('SIGTERM');
    writeFileSync(keyFile, whole);
    await process.start();
    const { node_id } = await damaged.desk.status();
    if (node_id !== nodeId) find(`with its key restored it is ${node_id ?? 'nobody'}, not ${nodeId}`);
    const back = await told([damaged], meanwhile, BACK_TIMEOUT_MS);
    if (back === undefined) find('a gateway that is back does not learn what was said meanwhile');
    else note(`it had the table ${back} ms after it was ready`);
  };
}

async function fillAuditDisk({ gateways, auditDisk }: MeshedNode, seen: Surroundings) {
  const [first, second] = gateways;
  const { find, note } = seen;
  const lostOf = async (): Promise<number> =>
    (await MeshCounts.of(first)).of('audit_events_dropped_total', { reason: 'write_failed' });
  const writtenOf = async (): Promise<number> =>
    (await MeshCounts.of(first)).of('audit_events_total', { kind: 'mesh_publish' });
  const before = await lostOf();
  await using stack = new AsyncDisposableStack();
  auditDisk.leave(FULL_BYTES);
  stack.defer(() => auditDisk.restore());
  const talking = repeating(async () => {
    await Promise.all([tell(first), tell(second)]);
    await delay(TELL_PAUSE_MS);
  });
  stack.defer(async () => void (await talking()));
  const isLost = async (): Promise<boolean> => (await lostOf()) > before;
  if (!(await comesTrue(LOST_TIMEOUT_MS, isLost))) find('no audit record was counted as lost');
  await eachTold(gateways, gateways, TOLD_TIMEOUT_MS, seen);
  const held = stack.move();
  return async (): Promise<void> => {
    const written = await writtenOf();
    auditDisk.restore();
    const again = await comesTrue(WRITTEN_AGAIN_TIMEOUT_MS, async () => (await writtenOf()) > written);
    if (!again) find(`the audit log is not written again ${WRITTEN_AGAIN_TIMEOUT_MS / 1_000} s after there is room`);
    await held.disposeAsync();
    note(`${(await lostOf()) - before} audit records lost and counted`);
  };
}

export const gateways: readonly Scenario[] = [
  onMesh({
    name: 'mesh_peer_killed',
    what: 'SIGKILL to one gateway of the mesh; it is started again',
    seconds: 8,
    quickSeconds: 4,
    expects: requestsGoOn({ recovery: 5, unanswered: true }),
    make: kill,
  }),
  onMesh({
    name: 'mesh_identity_damaged',
    what: 'a bit of the key file of one gateway flipped, and the gateway started again, which it refuses; then the file restored',
    seconds: 8,
    quickSeconds: 4,
    expects: requestsGoOn({ recovery: 5, unanswered: true }),
    make: damageIdentity,
  }),
  onMesh({
    name: 'mesh_audit_disk_full',
    what: 'the disk of the audit log of one gateway full to the last byte, while claims are made',
    seconds: 8,
    quickSeconds: 4,
    expects: requestsGoOn({ recovery: 5 }, ACCOUNTED),
    make: fillAuditDisk,
  }),
];
