// What holds of a mesh once nothing is broken any more: connected, of one mind, its ledgers closed, its audit logs whole.
import { MESH_CLAIMS_PAGE, type MeshClaim } from '@macronode/contracts';
import { MESH_LIMITS } from '@macronode/mesh';
import { comesTrue } from '../poll.ts';
import { verifyMeshAudit } from '../rig/mesh-audit.ts';
import { MeshCounts } from './mesh-counts.ts';
import type { MeshedGateway, MeshedNode } from './meshed-node.ts';
import type { Surroundings } from './scenario.ts';

/** A gateway that could not reach a peer for a while tries it again within the first of these; it has to be seen too. */
const CONNECTED_TIMEOUT_MS = MESH_LIMITS.redialMaxMs + 10_000;
/** Each compares its table with one peer, at random, every 5 s; a table of thousands takes several comparisons. */
const ROUNDS_MS = 6 * MESH_LIMITS.syncIntervalMs;
/** Of one source no more are taken a second in a comparison than by gossip. */
const agreedWithinMs = (claims: number): number => ROUNDS_MS + (claims / MESH_LIMITS.sourceEnvelopesPerSecond) * 1_000;
const CLOSED_TIMEOUT_MS = 10_000;
const POLL_MS = 200;
/** Of tables that are larger than one answer so many subjects are compared. */
const SUBJECTS_COMPARED = 50;

type Look = Pick<Surroundings, 'find' | 'note'>;

/** Judges the gateways and says what is wrong with them. */
export async function meshAgrees(node: MeshedNode, look: Look): Promise<void> {
  await connected(node, look);
  await tablesAgree(node, look);
  await ledgersClose(node, look);
  for (const gateway of node.gateways) await auditHolds(gateway, node.auditKey, look);
}

async function connected({ gateways }: MeshedNode, { find }: Look): Promise<void> {
  const others = gateways.length - 1;
  const count = async ({ desk }: MeshedGateway): Promise<number> => (await desk.status()).counts.connected_peers;
  const all = async (): Promise<boolean> => (await Promise.all(gateways.map(count))).every((peers) => peers === others);
  if (await comesTrue(CONNECTED_TIMEOUT_MS, all, POLL_MS)) return;
  const counts = await Promise.all(gateways.map(count));
  find(`after mending the gateways have ${counts.join(', ')} peers, not ${others} each`);
}

/** Everything about a claim that is to be the same wherever it is held. */
const spelled = (claim: MeshClaim): string =>
  JSON.stringify(Object.entries(claim).sort(([a], [b]) => (a < b ? -1 : 1)));
const setOf = (claims: readonly MeshClaim[]): string => claims.map(spelled).sort().join('\n');

/** The same claims on all, or of large tables as many and the same of some subjects. */
async function agree(gateways: readonly MeshedGateway[]): Promise<boolean> {
  const sizes = await Promise.all(gateways.map(async ({ desk }) => (await desk.status()).counts.claims));
  if (new Set(sizes).size > 1) return false;
  const pages = await Promise.all(gateways.map(({ desk }) => desk.claims()));
  if ((sizes[0] ?? 0) <= MESH_CLAIMS_PAGE) return new Set(pages.map(setOf)).size === 1;
  for (const { subject } of (pages[0] ?? []).toSorted(() => Math.random() - 0.5).slice(0, SUBJECTS_COMPARED)) {
    const about = await Promise.all(gateways.map(({ desk }) => desk.claims(subject)));
    if (new Set(about.map(setOf)).size > 1) return false;
  }
  return true;
}

async function tablesAgree({ gateways }: MeshedNode, { find, note }: Look): Promise<void> {
  const sizesNow = (): Promise<readonly number[]> =>
    Promise.all(gateways.map(async ({ desk }) => (await desk.status()).counts.claims));
  const from = performance.now();
  const most = agreedWithinMs(Math.max(...(await sizesNow())));
  const agreed = await comesTrue(most, () => agree(gateways), POLL_MS);
  const sizes = await sizesNow();
  if (agreed) note(`${sizes[0] ?? 0} claims on all, seen ${((performance.now() - from) / 1_000).toFixed(1)} s later`);
  else find(`the tables differ ${Math.round(most / 1_000)} s after mending: ${sizes.join(', ')} claims`);
}

/** What came in was merged or dropped for a reason; comparisons that broke off may have brought some more. */
async function ledgersClose({ gateways }: MeshedNode, { find }: Look): Promise<void> {
  let open: readonly string[] = [];
  const closed = async (): Promise<boolean> => {
    const all = await Promise.all(gateways.map((gateway) => MeshCounts.of(gateway)));
    const failed = all.reduce((sum, counts) => sum + counts.of('mesh_sync_rounds_total', { result: 'failed' }), 0);
    const slack = failed * MESH_LIMITS.syncEnvelopes;
    open = all.flatMap(({ judged, cameIn }, at) =>
      judged < cameIn || judged > cameIn + slack
        ? [`${gateways[at]?.name ?? ''} judged ${judged} envelopes of ${cameIn} (${failed} comparisons broke off)`]
        : [],
    );
    return open.length === 0;
  };
  if (!(await comesTrue(CLOSED_TIMEOUT_MS, closed, POLL_MS))) open.forEach(find);
}

/** The chain verifies, and tells as many claims as the gateway says it took, less those it says are lost. */
async function auditHolds(gateway: MeshedGateway, key: string, { find }: Look): Promise<void> {
  const { name, auditFile } = gateway;
  const written = async (): Promise<boolean> => (await MeshCounts.of(gateway)).of('audit_queued_events') === 0;
  if (!(await comesTrue(CLOSED_TIMEOUT_MS, written, POLL_MS))) find(`${name} still has audit records to write`);
  const counts = await MeshCounts.of(gateway);
  const report = await verifyMeshAudit(auditFile, key);
  if (typeof report === 'string') return find(`the audit log of ${name} does not verify: ${report}`);
  for (const kind of ['mesh_publish', 'mesh_receive', 'mesh_quorum_decision']) {
    const [told, counted] = [report.by_kind[kind] ?? 0, counts.of('audit_events_total', { kind })];
    // A gateway that was started again counts from nought, and its file goes on; heads of both may move on meanwhile.
    if (told < counted) find(`the audit log of ${name} has ${told} records ${kind}, and ${counted} were written`);
  }
}
