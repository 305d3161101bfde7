import type { CaseResult, Goal } from '../../bench-harness.ts';
import { type Found, say } from '../registry/part.ts';
import { Behind } from './rig/behind.ts';
import { type Asked, clientAddresses, CLIENTS, Clients } from './rig/clients.ts';
import { MeshFolder } from './rig/folder.ts';
import type { Gateway } from './rig/gateway.ts';
import { meshEnv } from './rig/mesh-env.ts';
import { Peers } from './rig/peers.ts';
import {
  type Arm,
  armCase,
  type Difference,
  difference,
  differenceCase,
  type Rounds,
  runRounds,
  shown,
} from './rig/rounds.ts';
import { atRest } from './rig/rest.ts';
import { saturated } from './rig/saturated.ts';
import { tellAll } from './rig/told.ts';
import { runWindow, type WindowSample } from './rig/window.ts';

/** Requests of a window, of each client alike. */
const REQUESTS = 2_000;
/** Clients of a window of refusals: each is let in once a second. */
const REFUSED_CLIENTS = 20;
/** Refusals of each in a window: fewer than it is cut for. */
const REFUSALS = 50;
/** A window without requests, in ms. */
const REST_MS = 4_000;
/** Before the first window of each gateway. */
const WARM_UP = 2_000;
/** A share of requests of an address that is used up with the first. */
const ONE_A_SECOND = { GATEWAY_CLIENT_RPS: '1', GATEWAY_CLIENT_BURST: '1' };

const ABSENT = 'absent';
const AGAIN = 'absent again';
const ASKED = 'absent, told as often';
/** Above these the mesh costs too much, in percent of a request without it. */
const GATES = Object.freeze({ idle: 1, 'lookup-active': 3, saturated: 5 });
type MeshArm = keyof typeof GATES;

interface GridWish {
  readonly rounds: number;
  /** Of the requests of a whole window (0 to 1). */
  readonly share: number;
}

/** What is asked in a row of the grid, and which of its gateways are asked it. */
interface Row {
  readonly name: string;
  readonly requests: number;
  readonly arms: readonly MeshArm[];
  readonly gateways: Readonly<Record<typeof ABSENT | typeof AGAIN | MeshArm, Gateway>>;
  readonly ask: (gateway: Gateway) => Promise<WindowSample>;
  readonly peers: Peers;
}

function armsOf({ arms, gateways, ask, peers }: Row): readonly Arm[] {
  const plain = [ABSENT, AGAIN, ...arms.filter((arm) => arm !== 'saturated')] as const;
  const told = (gateway: Gateway) => saturated(gateway, peers, () => ask(gateway));
  return [
    ...plain.map((name) => ({ name, run: () => ask(gateways[name]) })),
    // What it costs a gateway to be told of claims over its ops port is in both.
    { name: ASKED, run: () => told(gateways[ABSENT]) },
    { name: 'saturated', run: () => told(gateways.saturated) },
  ];
}

function judged({ name, arms }: Row, rounds: Rounds): Found {
  const noise = difference(rounds, AGAIN, ABSENT);
  say(`${name}: two gateways without a mesh differ by ${shown(noise)}`);
  const cases: CaseResult[] = [...rounds].map(([arm, samples]) => armCase(`${name}: ${arm}`, samples));
  cases.push(differenceCase(`${name}: noise`, noise, rounds.get(AGAIN)?.length ?? 0));
  const goals: Goal[] = [];
  for (const arm of arms) {
    const to = arm === 'saturated' ? ASKED : ABSENT;
    for (const [threads, cost] of [
      ['all threads', 'micros'],
      ['request thread', 'requestThreadMicros'],
    ] as const) {
      const found = difference(rounds, arm, to, cost);
      const gate = GATES[arm];
      cases.push(differenceCase(`${name}: ${arm}, ${threads}`, found, rounds.get(arm)?.length ?? 0));
      goals.push({ name: `${name}: ${arm}, ${threads}, %`, measured: found.percent, is: 'at most', bound: gate });
      say(`${name}: ${arm}, ${threads}: ${shown(found)}, gate ${gate} %: ${verdict(found, gate)}`);
    }
  }
  return { cases, goals };
}

function verdict({ low, high }: Difference, gate: number): string {
  if (high <= gate) return 'met';
  return low > gate ? 'short' : 'not told apart: the interval holds the gate';
}

/** Gateways that differ in their mesh alone. */
async function gatewaysOf(
  behind: Behind,
  folder: MeshFolder,
  peers: Peers,
  kind: string,
  env: Readonly<Record<string, string>>,
) {
  const start = (name: string, mesh = {}): Promise<Gateway> =>
    behind.gateway({ name: `${kind}-${name}`, env: { ...env, ...mesh } });
  const gateways = {
    [ABSENT]: await start('absent'),
    [AGAIN]: await start('again'),
    idle: await start('idle', meshEnv({ folder, node: `${kind}_idle` })),
    'lookup-active': await start('active', meshEnv({ folder, node: `${kind}_active` })),
    saturated: await start('saturated', meshEnv({ folder, node: `${kind}_saturated`, peers: peers.addresses })),
  };
  await peers.meshedWith(gateways.saturated);
  return gateways;
}

const NODES = ['served', 'refused'].flatMap((kind) => [
  ...['idle', 'active', 'saturated', 'peer_a', 'peer_b'].map((node) => `${kind}_${node}`),
]);

/** GET and POST of a small object, by clients the mesh knows where it is to know any. */
async function servedRows(
  behind: Behind,
  folder: MeshFolder,
  peers: Peers,
  { share }: GridWish,
): Promise<readonly Row[]> {
  const gateways = await gatewaysOf(behind, folder, peers, 'served', {});
  const addresses = clientAddresses(1);
  await tellAll(gateways['lookup-active'], addresses);
  const { read, write } = await behind.object();
  const requests = Math.round((REQUESTS * share) / CLIENTS) * CLIENTS;
  const clients = new Map(Object.values(gateways).map((gateway) => [gateway, new Clients(gateway.port, addresses)]));
  const ask =
    (asked: Asked) =>
    async (gateway: Gateway): Promise<WindowSample> => {
      const own = clients.get(gateway);
      if (own === undefined) throw new Error(`no clients of ${gateway.name}`);
      return answered(200, await runWindow({ gateway, clients: own, asked, requests, others: behind.pids }));
    };
  for (const own of clients.values()) await own.send(read, WARM_UP);
  const row = { requests, gateways, peers, arms: Object.keys(GATES) as MeshArm[] };
  return [
    { ...row, name: 'GET', ask: ask(read) },
    { ...row, name: 'POST 1 KB', ask: ask(write) },
  ];
}

/** Requests of addresses whose share is used up: fresh ones in each window, as who does not stop is cut. */
async function refusedRow(behind: Behind, folder: MeshFolder, peers: Peers): Promise<Row> {
  const gateways = await gatewaysOf(behind, folder, peers, 'refused', ONE_A_SECOND);
  const { read } = await behind.object();
  const requests = REFUSALS * REFUSED_CLIENTS;
  let group = 1_000;
  const ask = async (gateway: Gateway): Promise<WindowSample> => {
    using clients = new Clients(gateway.port, clientAddresses(group++).slice(0, REFUSED_CLIENTS));
    await clients.send(read, REFUSED_CLIENTS);
    return answered(429, await runWindow({ gateway, clients, asked: read, requests, others: behind.pids }));
  };
  for (const gateway of Object.values(gateways)) await ask(gateway);
  // A refused request is not looked up.
  return { name: '429', requests, gateways, peers, ask, arms: ['idle', 'saturated'] };
}

const ANSWERED_SHARE = 0.8;

/** Throws where requests were answered otherwise; of refused ones some are let in, as a second has passed. */
function answered(status: number, sample: WindowSample): WindowSample {
  const right = (sample.statuses[status] ?? 0) / sample.requests;
  if (right < (status === 200 ? 1 : ANSWERED_SHARE))
    throw new Error(`answers other than ${status}: ${JSON.stringify(sample.statuses)}`);
  return sample;
}

/** What the mesh costs a request while it idles, is asked of every client, and hears and says as much as it is to bear. */
export async function grid(wish: GridWish): Promise<Found> {
  const folder = new MeshFolder('bench-mesh', NODES);
  const cases: CaseResult[] = [];
  const goals: Goal[] = [];
  const measure = async (rows: readonly Row[]): Promise<void> => {
    for (const row of rows) {
      say(`${row.name}: ${row.requests} requests a window, ${wish.rounds} rounds`);
      const found = judged(row, await runRounds(armsOf(row), wish.rounds));
      cases.push(...(found.cases ?? []));
      goals.push(...(found.goals ?? []));
    }
  };
  {
    await using behind = await Behind.start(folder);
    await using peers = await Peers.start(folder, ['served_peer_a', 'served_peer_b']);
    const rows = await servedRows(behind, folder, peers, wish);
    await measure(rows);
    const [row] = rows;
    if (row !== undefined) {
      const { absent, idle, saturated: hearing } = row.gateways;
      const resting = await atRest({ absent, idle, hearing }, peers, REST_MS * wish.share);
      cases.push(...(resting.cases ?? []));
      goals.push(...(resting.goals ?? []));
    }
  }
  {
    await using behind = await Behind.start(folder);
    await using peers = await Peers.start(folder, ['refused_peer_a', 'refused_peer_b']);
    await measure([await refusedRow(behind, folder, peers)]);
  }
  return { cases, goals };
}
