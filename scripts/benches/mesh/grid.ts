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
  type Course,
  type Difference,
  difference,
  differenceCase,
  type Lives,
  runLives,
  shown,
} from './rig/lives.ts';
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
/** Before the first window of each gateway, reads and writes: what a request costs falls by half until code is compiled. */
const WARM_UP_READS = 4_000;
const WARM_UP_WRITES = 2_000;
/** Windows of refusals before the first that counts. */
const WARM_UP_REFUSED = 4;
/** A share of requests of an address that is used up with the first. */
const ONE_A_SECOND = { GATEWAY_CLIENT_RPS: '1', GATEWAY_CLIENT_BURST: '1' };

const ABSENT = 'absent';
const AGAIN = 'absent again';
const ASKED = 'absent, told as often';
/** Above these the mesh costs too much, in percent of a request without it. */
const GATES = Object.freeze({ idle: 1, 'lookup-active': 3, saturated: 5 });
type MeshArm = keyof typeof GATES;

interface GridWish extends Course {
  /** Of the requests of a whole window (0 to 1). */
  readonly share: number;
}

type Gateways = Readonly<Record<typeof ABSENT | typeof AGAIN | MeshArm, Gateway>>;

/** A row of the grid, and which of its gateways are asked. */
interface Row {
  readonly name: string;
  readonly arms: readonly MeshArm[];
}
const GET: Row = { name: 'GET', arms: ['idle', 'lookup-active', 'saturated'] };
const POST: Row = { ...GET, name: 'POST 1 KB' };
/** A refused request is not looked up. */
const REFUSED: Row = { name: '429', arms: ['idle', 'saturated'] };

/** What a row asks in one life. */
interface Asking {
  readonly row: Row;
  readonly gateways: Gateways;
  readonly peers: Peers;
  readonly ask: (gateway: Gateway) => Promise<WindowSample>;
}

function armsOf({ row: { name: row, arms }, gateways, ask, peers }: Asking): readonly Arm[] {
  const plain = [ABSENT, AGAIN, ...arms.filter((arm) => arm !== 'saturated')] as const;
  const told = (gateway: Gateway) => saturated(gateway, peers, () => ask(gateway));
  return [
    ...plain.map((name) => ({ name: `${row}: ${name}`, run: () => ask(gateways[name]) })),
    // What it costs a gateway to be told of claims over its ops port is in both.
    { name: `${row}: ${ASKED}`, run: () => told(gateways[ABSENT]) },
    { name: `${row}: saturated`, run: () => told(gateways.saturated) },
  ];
}

function judged({ name, arms }: Row, lives: Lives): Found {
  const between = (of: string, to: string, cost?: 'requestThreadMicros'): Difference =>
    difference(lives, `${name}: ${of}`, `${name}: ${to}`, cost);
  const noise = between(AGAIN, ABSENT);
  say(`${name}: two gateways without a mesh differ by ${shown(noise)}`);
  const own = [...lives].filter(([arm]) => arm.startsWith(`${name}: `));
  const windows = lives.get(`${name}: ${ABSENT}`)?.flat().length ?? 0;
  const cases: CaseResult[] = own.map(([arm, samples]) => armCase(arm, samples));
  cases.push(differenceCase(`${name}: noise`, noise, windows));
  const goals: Goal[] = [];
  for (const arm of arms) {
    const to = arm === 'saturated' ? ASKED : ABSENT;
    for (const [threads, found] of [
      ['all threads', between(arm, to)],
      ['request thread', between(arm, to, 'requestThreadMicros')],
    ] as const) {
      const gate = GATES[arm];
      cases.push(differenceCase(`${name}: ${arm}, ${threads}`, found, windows));
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

/** What outlives the gateways. */
interface Ground {
  readonly behind: Behind;
  readonly folder: MeshFolder;
  readonly read: Asked;
  readonly write: Asked;
}

/** Gateways of one life, which differ in their mesh alone, and the two peers of one of them. */
async function startGateways(
  stack: AsyncDisposableStack,
  { behind, folder }: Ground,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly gateways: Gateways; readonly peers: Peers }> {
  const peers = stack.use(await Peers.start(folder, PEERS));
  const start = async (name: string, mesh = {}): Promise<Gateway> =>
    stack.use(await behind.gateway({ name, env: { ...env, ...mesh } }));
  const gateways = {
    [ABSENT]: await start('absent'),
    [AGAIN]: await start('again'),
    idle: await start('idle', meshEnv({ folder, node: 'idle' })),
    'lookup-active': await start('active', meshEnv({ folder, node: 'active' })),
    saturated: await start('saturated', meshEnv({ folder, node: 'saturated', peers: peers.addresses })),
  };
  await peers.meshedWith(gateways.saturated);
  return { gateways, peers };
}

const PEERS = ['peer_a', 'peer_b'];
const NODES = ['idle', 'active', 'saturated', ...PEERS];

/** GET and POST of a small object, by clients the mesh knows where it is to know any. */
async function served(stack: AsyncDisposableStack, ground: Ground, share: number): Promise<readonly Arm[]> {
  const { behind, read, write } = ground;
  const { gateways, peers } = await startGateways(stack, ground);
  const addresses = clientAddresses(1);
  await tellAll(gateways['lookup-active'], addresses);
  const requests = Math.round((REQUESTS * share) / CLIENTS) * CLIENTS;
  const clients = new Map<Gateway, Clients>();
  for (const gateway of Object.values(gateways)) {
    const own = stack.use(new Clients(gateway.port, addresses));
    clients.set(gateway, own);
    await own.send(read, WARM_UP_READS);
    await own.send(write, WARM_UP_WRITES);
  }
  const ask =
    (asked: Asked) =>
    async (gateway: Gateway): Promise<WindowSample> => {
      const own = clients.get(gateway);
      if (own === undefined) throw new Error(`no clients of ${gateway.name}`);
      return answered(200, await runWindow({ gateway, clients: own, asked, requests, others: behind.pids }));
    };
  return [
    ...armsOf({ row: GET, gateways, peers, ask: ask(read) }),
    ...armsOf({ row: POST, gateways, peers, ask: ask(write) }),
  ];
}

/** Requests of addresses whose share is used up: fresh ones in each window, as who does not stop is cut. */
async function refused(stack: AsyncDisposableStack, ground: Ground, freshGroup: () => number): Promise<readonly Arm[]> {
  const { behind, read } = ground;
  const { gateways, peers } = await startGateways(stack, ground, ONE_A_SECOND);
  const requests = REFUSALS * REFUSED_CLIENTS;
  const ask = async (gateway: Gateway): Promise<WindowSample> => {
    using clients = new Clients(gateway.port, clientAddresses(freshGroup()).slice(0, REFUSED_CLIENTS));
    await clients.send(read, REFUSED_CLIENTS);
    return answered(429, await runWindow({ gateway, clients, asked: read, requests, others: behind.pids }));
  };
  for (const gateway of Object.values(gateways)) for (let n = 0; n < WARM_UP_REFUSED; n += 1) await ask(gateway);
  return armsOf({ row: REFUSED, gateways, peers, ask });
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
  const { share } = wish;
  const folder = new MeshFolder('bench-mesh', NODES);
  await using behind = await Behind.start(folder);
  const ground = { behind, folder, ...(await behind.object()) };
  say(`${wish.lives} lives of the gateways, ${wish.rounds} rounds in each`);
  const ofServed = await runLives(wish, (life) => served(life, ground, share));
  let group = 1_000;
  const ofRefused = await runLives(wish, (life) => refused(life, ground, () => group++));
  await using last = new AsyncDisposableStack();
  const { gateways, peers } = await startGateways(last, ground);
  const { absent, idle, saturated: hearing } = gateways;
  const found = [
    judged(GET, ofServed),
    judged(POST, ofServed),
    judged(REFUSED, ofRefused),
    await atRest({ absent, idle, hearing }, peers, REST_MS * share),
  ];
  return {
    cases: found.flatMap(({ cases = [] }) => cases),
    goals: found.flatMap(({ goals = [] }) => goals),
  };
}
