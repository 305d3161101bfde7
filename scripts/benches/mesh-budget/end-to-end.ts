import type { CaseResult, Goal } from '../../bench-harness.ts';
import { askedSum } from '../../measure/metrics.ts';
import { OtlpSink } from '../../traces/sink.ts';
import { WRITES_PER_HIT } from '../mesh/cases/counters.ts';
import { addressOf } from '../mesh/cases/envelopes.ts';
import { expectCount } from '../micro/micro-case.ts';
import { Behind } from '../mesh/rig/behind.ts';
import { type Asked, clientAddresses, CLIENTS, Clients } from '../mesh/rig/clients.ts';
import { MeshFolder } from '../mesh/rig/folder.ts';
import type { Gateway } from '../mesh/rig/gateway.ts';
import { meshEnv } from '../mesh/rig/mesh-env.ts';
import { Peers } from '../mesh/rig/peers.ts';
import {
  type Arm,
  armCase,
  difference,
  type Difference,
  differenceCase,
  type Course,
  type Lives,
  runLives,
  shown,
} from '../mesh/rig/lives.ts';
import { saturated } from '../mesh/rig/saturated.ts';
import { tellAll } from '../mesh/rig/told.ts';
import { runWindow, type WindowSample } from '../mesh/rig/window.ts';
import { type Found, quantile, rounded, say, single } from '../registry/part.ts';

const REQUESTS = 2_000;
/** Before the first window of each gateway: what a request costs falls by half until code is compiled. */
const WARM_UP = 5_100;
const MS_PER_SECOND = 1_000;
const SILENT = new URL('silent-lookups.mjs', import.meta.url);

/** Percent of the clients that are known, and the group of addresses they come from: a known client is one of a hundred. */
const HITS = [0, 1, 100] as const;
type Hits = (typeof HITS)[number];
const known = (hits: Hits): readonly string[] => clientAddresses(100 + hits).slice(0, hits);

interface EndToEndWish extends Course {
  /** Of the requests of a whole window (0 to 1). */
  readonly share: number;
  /** Addresses in each table beside those of clients. */
  readonly filled: number;
}

interface Gateways {
  readonly absent: Gateway;
  readonly again: Gateway;
  readonly silent: Gateway;
  readonly counting: Gateway;
  readonly audited: Gateway;
  readonly saturated: Gateway;
  readonly rounds: Gateway;
  readonly claims: Gateway;
}

/** Gateways of one life, which differ in what of the mesh they run, and the peers of those that have some. */
interface Rig {
  readonly behind: Behind;
  readonly gateways: Gateways;
  readonly peersOf: ReadonlyMap<Gateway, Peers>;
  readonly asked: Asked;
  readonly requests: number;
  readonly clients: ReadonlyMap<string, Clients>;
}

/** Those under load are in a mesh of three each: the other two. */
const PEERS = Object.freeze({
  saturated: ['peer_a', 'peer_b'],
  rounds: ['peer_c', 'peer_d'],
  claims: ['peer_e', 'peer_f'],
});
const NODES = ['silent', 'counting', 'audited', ...Object.entries(PEERS).flat(2)];
const clientsOf = (gateway: Gateway, hits: Hits): string => `${gateway.name} ${hits}`;

/** What outlives the gateways. */
interface Ground {
  readonly behind: Behind;
  readonly folder: MeshFolder;
  readonly sink: OtlpSink;
  readonly asked: Asked;
}

async function startGateways(stack: AsyncDisposableStack, { behind, folder, sink }: Ground) {
  const start = async (name: string, env: Readonly<Record<string, string>> = {}, preload?: URL): Promise<Gateway> =>
    stack.use(await behind.gateway({ name, env: { ACCESS_LOG: 'off', ...env }, preload }));
  const peersOf = new Map<Gateway, Peers>();
  const loaded = async (node: keyof typeof PEERS, env: Readonly<Record<string, string>> = {}): Promise<Gateway> => {
    const peers = stack.use(await Peers.start(folder, PEERS[node]));
    const gateway = await start(node, { ...meshEnv({ folder, node, audit: true, peers: peers.addresses }), ...env });
    await peers.meshedWith(gateway);
    peersOf.set(gateway, peers);
    return gateway;
  };
  // No request is sampled. Both trace alike; at debug the mesh tells of each claim as well.
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint, OTEL_TRACES_SAMPLER_ARG: '0' };
  const gateways: Gateways = {
    absent: await start('absent'),
    again: await start('again'),
    silent: await start('silent', meshEnv({ folder, node: 'silent' }), SILENT),
    counting: await start('counting', meshEnv({ folder, node: 'counting' })),
    audited: await start('audited', meshEnv({ folder, node: 'audited', audit: true })),
    saturated: await loaded('saturated'),
    rounds: await loaded('rounds', { ...traced, LOG_LEVEL: 'info' }),
    claims: await loaded('claims', { ...traced, LOG_LEVEL: 'debug' }),
  };
  const own = peersOf.get(gateways.saturated);
  if (own !== undefined) peersOf.set(gateways.absent, own);
  return { gateways, peersOf };
}

async function startRig(stack: AsyncDisposableStack, ground: Ground, { share, filled }: EndToEndWish): Promise<Rig> {
  const { behind, asked } = ground;
  const { gateways, peersOf } = await startGateways(stack, ground);
  const { absent, again, ...meshed } = gateways;
  const told = [...HITS.flatMap(known), ...Array.from({ length: filled }, (_, n) => addressOf(n))];
  for (const gateway of Object.values(meshed)) await tellAll(gateway, told);
  const clients = new Map<string, Clients>();
  for (const gateway of [absent, again, ...Object.values(meshed)]) {
    for (const hits of HITS) {
      const own = stack.use(new Clients(gateway.port, clientAddresses(100 + hits)));
      clients.set(clientsOf(gateway, hits), own);
      await own.send(asked, WARM_UP / HITS.length);
    }
  }
  return { behind, gateways, peersOf, asked, clients, requests: Math.round((REQUESTS * share) / CLIENTS) * CLIENTS };
}

/** A window of which the lookups that were counted are known beforehand. Throws where they are others, or an answer is not 200. */
async function window(
  { behind, asked, clients, requests }: Rig,
  gateway: Gateway,
  hits: Hits,
  counted: Hits,
): Promise<WindowSample> {
  const own = clients.get(clientsOf(gateway, hits));
  if (own === undefined) throw new Error(`no clients of ${gateway.name}`);
  const sample = await runWindow({ gateway, clients: own, asked, requests, others: behind.pids });
  if (sample.statuses[200] !== requests) throw new Error(`answers other than 200: ${JSON.stringify(sample.statuses)}`);
  expectCount(`lookups of gateway ${gateway.name} at ${hits} % known`, sample.lookups, (requests * counted) / 100);
  return sample;
}

/** The same, and as many were counted in omnigate: every write that a request pays for. */
async function countedWindow(rig: Rig, hits: Hits): Promise<WindowSample> {
  const scored = (): Promise<number> => askedSum(rig.behind.omnigateOps, 'omnigate_scored_requests_total');
  const before = await scored();
  const sample = await window(rig, rig.gateways.counting, hits, hits);
  const writes = sample.lookups + (await scored()) - before;
  expectCount(`writes for requests at ${hits} % known`, writes, (rig.requests * hits * WRITES_PER_HIT) / 100);
  return sample;
}

const NAMES = Object.freeze({
  absent: 'mesh absent',
  again: 'mesh absent, again',
  asked: 'mesh absent, told as often',
});
const off = (hits: Hits): string => `counters off, ${hits} % known`;
const on = (hits: Hits): string => `counters on, ${hits} % known`;

function armsOf(rig: Rig): readonly Arm[] {
  const { gateways, peersOf } = rig;
  const under = (gateway: Gateway, counted: Hits): Promise<WindowSample> => {
    const peers = peersOf.get(gateway);
    if (peers === undefined) throw new Error(`${gateway.name} has no peers`);
    return saturated(gateway, peers, () => window(rig, gateway, 100, counted));
  };
  return [
    { name: NAMES.absent, run: () => window(rig, gateways.absent, 100, 0) },
    { name: NAMES.again, run: () => window(rig, gateways.again, 100, 0) },
    ...HITS.flatMap((hits) => [
      { name: off(hits), run: () => window(rig, gateways.silent, hits, 0) },
      { name: on(hits), run: () => countedWindow(rig, hits) },
    ]),
    { name: 'audit on, 100 % known', run: () => window(rig, gateways.audited, 100, 100) },
    { name: NAMES.asked, run: () => under(gateways.absent, 0) },
    { name: 'saturated, audit on', run: () => under(gateways.saturated, 100) },
    { name: 'saturated, audit on, rounds traced', run: () => under(gateways.rounds, 100) },
    { name: 'saturated, audit on, claims traced', run: () => under(gateways.claims, 100) },
  ];
}

/** Two arms are not told apart where none is dearer for sure, or by no more than two that are alike. */
function isNoise(found: Difference, noise: Difference): boolean {
  const alike = Math.max(Math.abs(noise.low), Math.abs(noise.high));
  return (found.low <= 0 && found.high >= 0) || Math.abs(found.percent) <= alike;
}

function judged(lives: Lives): Found {
  const count = lives.get(NAMES.absent)?.flat().length ?? 0;
  const noise = difference(lives, NAMES.again, NAMES.absent);
  say(`two gateways without a mesh differ by ${shown(noise)}`);
  const compared: readonly (readonly [name: string, of: string, to: string])[] = [
    ['counters_delta', on(100), off(100)],
    ['counters_delta at 1 % known', on(1), off(1)],
    ['counters_delta at 0 % known', on(0), off(0)],
    ['mesh on, 0 % known', on(0), NAMES.absent],
    ['mesh on, 100 % known', on(100), NAMES.absent],
    ['audit on', 'audit on, 100 % known', on(100)],
    ['saturated, audit on', 'saturated, audit on', NAMES.asked],
    ['tracing at debug', 'saturated, audit on, claims traced', 'saturated, audit on, rounds traced'],
  ];
  const deltas = compared.flatMap(([name, of, to]) => {
    const all = difference(lives, of, to);
    const thread = difference(lives, of, to, 'requestThreadMicros');
    say(
      `${name}: ${shown(all)}${isNoise(all, noise) ? ', not told apart from noise' : ''}; request thread ${shown(thread)}`,
    );
    return [differenceCase(name, all, count), differenceCase(`${name}, request thread`, thread, count)];
  });
  const counters = difference(lives, on(100), off(100));
  const alike: Goal = {
    name: 'counters told apart from noise',
    measured: isNoise(counters, noise) ? 0 : 1,
    is: 'at most',
    bound: 0,
  };
  const cases: CaseResult[] = [...lives].map(([name, windows]) => armCase(name, windows));
  return { cases: [...cases, differenceCase('aa_noise', noise, count), ...deltas, ...loadOf(lives)], goals: [alike] };
}

/** How many claims a second really went in and out. */
function loadOf(lives: Lives): readonly CaseResult[] {
  const samples = lives.get('saturated, audit on')?.flat() ?? [];
  const perSecond = (of: (sample: WindowSample) => number): number =>
    rounded(
      quantile(
        samples.map((sample) => (of(sample) / sample.elapsedMs) * MS_PER_SECOND),
        0.5,
      ),
    );
  return [
    single(
      'saturated: claims in',
      '1/s',
      perSecond(({ merged }) => merged),
      samples.length,
    ),
    single(
      'saturated: claims out',
      '1/s',
      perSecond(({ emitted }) => emitted),
      samples.length,
    ),
  ];
}

/** What requests cost a gateway with each part of the mesh; every window's lookups are counted exactly or it throws. */
export async function endToEnd(wish: EndToEndWish): Promise<Found> {
  await using stack = new AsyncDisposableStack();
  const folder = new MeshFolder('bench-mesh-budget', NODES);
  const behind = stack.use(await Behind.start(folder));
  const sink = stack.use(await OtlpSink.start({ keep: false }));
  const { read: asked } = await behind.object();
  const ground = { behind, folder, sink, asked };
  return judged(await runLives(wish, async (life) => armsOf(await startRig(life, ground, wish))));
}
