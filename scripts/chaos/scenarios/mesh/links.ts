// The network between the gateways: gone, and slow.
import { setTimeout as delay } from 'node:timers/promises';
import { MESH_LIMITS } from '@macronode/mesh';
import { comesTrue } from '../../../poll.ts';
import { AddressedClient } from '../../../rig/addressed-client.ts';
import { repeating } from '../../../rig/mend.ts';
import { ACCOUNTED, requestsGoOn } from '../../expectation.ts';
import { MeshCounts } from '../../mesh-counts.ts';
import type { MeshedGateway, MeshedNode } from '../../meshed-node.ts';
import type { Scenario, Surroundings } from '../../scenario.ts';
import { askedBy } from './clients.ts';
import { eachTold, freshSubject, knows, tell, told } from './claims-told.ts';
import { onMesh } from './on-mesh.ts';

/** Among gateways whose links are sound. */
const SOUND_TIMEOUT_MS = 5_000;
const TOLD_TIMEOUT_MS = 5_000;
/** A gateway that could not reach a peer tries it again within the first, and asks it for what it lacks at once. */
const HEALED_TIMEOUT_MS = MESH_LIMITS.redialMaxMs + MESH_LIMITS.syncIntervalMs;

async function splitBrain({ gateways, links }: MeshedNode, { find, note }: Surroundings) {
  const [alone, ...others] = gateways;
  const [second] = others;
  if (second === undefined) throw new Error('a mesh of one has no second side');
  const takenBack = await tell(alone);
  if ((await told(gateways, takenBack, TOLD_TIMEOUT_MS)) === undefined)
    find('a claim does not reach all before the split');
  await links.poison(0, 'timeout', { timeout: 0 });
  const [ofOne, ofOthers, ofBoth] = [await tell(alone), await tell(second), freshSubject()];
  await Promise.all([alone, second].map((gateway) => tell(gateway, ofBoth)));
  await alone.desk.revoke('waf_reputation', takenBack);
  if ((await told(others, ofOthers, SOUND_TIMEOUT_MS)) === undefined)
    find('a claim does not cross the side it was made on');
  return async (): Promise<void> => {
    if (await knows(alone, ofOthers)) find('a claim came through a cut network');
    if ((await Promise.all(others.map((one) => knows(one, ofOne)))).some(Boolean))
      find('a claim came out of a cut network');
    await links.heal();
    const from = performance.now();
    const times = [
      await told(gateways, ofOne, HEALED_TIMEOUT_MS),
      await told(gateways, ofOthers, HEALED_TIMEOUT_MS),
      await told(gateways, ofBoth, HEALED_TIMEOUT_MS, (claims) => claims.length === 2),
      await told(gateways, takenBack, HEALED_TIMEOUT_MS, (claims) => claims.every(({ revoked }) => revoked)),
    ];
    if (times.includes(undefined))
      find(`what was said on both sides is not on all ${HEALED_TIMEOUT_MS / 1_000} s after it healed`);
    note(`of one mind ${((performance.now() - from) / 1_000).toFixed(1)} s after it healed`);
  };
}

/** A region away, and lossy: what does not fit through in time. */
const SLOW = { latency: 300, jitter: 150 } as const;
const NARROW_KIB = 4;
const BURST = 150;
const REPEATS = 10;
/** Somebody two gateways accuse while the third hardly hears them. */
const ACCUSED = '127.0.0.7';
const ASK_PAUSE_MS = 100;
const DECIDED_TIMEOUT_MS = 10_000;

const decisions = async (gateway: MeshedGateway): Promise<number> =>
  (await MeshCounts.of(gateway)).of('mesh_quorum_decisions_total', { decision: 'deny' });

/** Two gateways accuse a client over and over, as it goes on asking the one behind the slow link. */
async function slowPeer(node: MeshedNode, seen: Surroundings) {
  const { gateways, links } = node;
  const [first, slow, third] = gateways;
  const { find, note, load } = seen;
  const before = await decisions(slow);
  await links.poison(1, 'latency', SLOW);
  await links.poison(1, 'bandwidth', { rate: NARROW_KIB });
  await using stack = new AsyncDisposableStack();
  const client = stack.use(new AddressedClient(ACCUSED, load.client.ledger));
  const asking = repeating(async () => {
    await client.ask(askedBy(slow, load));
    await delay(ASK_PAUSE_MS);
  });
  stack.defer(async () => void (await asking()));
  for (let i = 0; i < REPEATS; i += 1)
    await Promise.all([first, third].map((gateway) => tell(gateway, ACCUSED, 0.8 + i / 100)));
  for (let i = 0; i < BURST; i += 1) await tell(i % 2 === 0 ? first : third);
  await eachTold([first, third], [first, third], SOUND_TIMEOUT_MS, seen);
  const queued = (await MeshCounts.of(first)).of('mesh_queued_commands');
  if (queued > MESH_LIMITS.commands) find(`${queued} commands wait, of ${MESH_LIMITS.commands} that may`);
  // Nothing gets through at all from here on.
  await links.poison(1, 'timeout', { timeout: 0 });
  await eachTold([first, third], [first, third], SOUND_TIMEOUT_MS, seen);
  const stalled = await tell(first);
  const held = stack.move();
  return async (): Promise<void> => {
    if (await knows(slow, stalled)) find('a claim came through a link that lets nothing through');
    await links.heal();
    const ms = await told([slow], stalled, HEALED_TIMEOUT_MS);
    if (ms === undefined) find(`the slow gateway has not caught up ${HEALED_TIMEOUT_MS / 1_000} s later`);
    else note(`the slow gateway caught up after ${(ms / 1_000).toFixed(1)} s`);
    const decided = async (): Promise<boolean> => (await decisions(slow)) > before;
    if (!(await comesTrue(DECIDED_TIMEOUT_MS, decided))) find('the slow gateway never refused who two others accuse');
    await held.disposeAsync();
    const times = (await decisions(slow)) - before;
    if (times > 1) find(`the slow gateway decided ${times} times about one client`);
  };
}

export const links: readonly Scenario[] = [
  onMesh({
    name: 'mesh_split_brain',
    what: 'the links of one gateway swallow everything and close nothing, while claims are made and one is taken back on both sides; then they heal',
    seconds: 30,
    quickSeconds: 8,
    expects: requestsGoOn({ recovery: 5 }, ACCOUNTED),
    make: splitBrain,
  }),
  onMesh({
    name: 'mesh_slow_peer',
    what: `the links of one gateway take ${SLOW.latency} ms, give or take ${SLOW.jitter}, and ${NARROW_KIB} KiB a second, and then let nothing through, while the others make ${BURST} claims and accuse one of its clients ${REPEATS} times each`,
    seconds: 20,
    quickSeconds: 6,
    expects: requestsGoOn({ recovery: 5 }, ACCOUNTED),
    make: slowPeer,
  }),
];
