// A known load, and what the panels say of it: the query of the panel itself, over the seconds of the load.
import { setTimeout as delay } from 'node:timers/promises';
import { ROUTES } from '@macronode/contracts';
import { BOARDS } from '../../grafana/boards/index.ts';
import type { OwnPrometheus } from '../prometheus.ts';
import { Client, everything } from './client.ts';
import { Ledger } from './ledger.ts';
import { filled } from './live.ts';
import type { Rig } from './rig.ts';

const ROUNDS = 120;
const AT_ONCE = 4;
const ALONE = 20;
/** Scrapes without traffic before and after, so that no sample falls into the middle. */
const STILL_MS = 6_000;
/** Seconds of the window at least: a rate reaches at most one scrape beyond its samples, 1 % of it. */
const WINDOW_SECONDS_MIN = 100;
/** What a rate may add by reaching to the ends of its window. */
const REACH = 0.02;

type Kind = 'count' | 'share' | 'level';

interface Truth {
  readonly board: string;
  readonly panel: string;
  readonly legend: string;
  /** Labels of the one series that is meant; none where the query keeps none. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly kind: Kind;
  readonly is: (ledger: Ledger) => number;
}

export interface TruthResult {
  readonly board: string;
  readonly panel: string;
  readonly series: string;
  readonly ledger: number;
  readonly shown: number;
  readonly bound: string;
  readonly holds: boolean;
}

const OVERVIEW = 'macronode-overview';
const GATEWAY = 'macronode-gateway';
const STORAGE = 'macronode-storage';
const MAILBOX = 'macronode-mailbox';
const PATHS = [...new Set(Object.values(ROUTES).map(({ method, template }) => `${method} ${template} `))];
const all = (ledger: Ledger): number => PATHS.reduce((sum, path) => sum + ledger.sum(path), 0);
const coded = (ledger: Ledger, ...codes: readonly number[]): number =>
  PATHS.flatMap((path) => codes.map((code) => ledger.of(`${path}${code}`))).reduce((sum, count) => sum + count, 0);

const requests = (route: keyof typeof ROUTES): Truth => {
  const { method, template } = ROUTES[route];
  return {
    board: OVERVIEW,
    panel: 'Requests',
    legend: '{{method}} {{route}}',
    labels: { method, route: template },
    kind: 'count',
    is: (ledger) => ledger.sum(`${method} ${template} `),
  };
};
const answers = (code: number): Truth => ({
  board: OVERVIEW,
  panel: 'Answers by code',
  legend: '{{code}}',
  labels: { code: String(code) },
  kind: 'count',
  is: (ledger) => coded(ledger, code),
});
const count = (board: string, panel: string, legend: string, is: Truth['is'], labels?: Truth['labels']): Truth => ({
  board,
  panel,
  legend,
  ...(labels !== undefined && { labels }),
  kind: 'count',
  is,
});

/** What a sound node says of a load without a fault. */
const SOUND: readonly Truth[] = [
  ...(
    ['objectPut', 'objectGet', 'objectHead', 'namePut', 'nameGet', 'nameRead', 'mailboxSend', 'mailboxAck'] as const
  ).map(requests),
  ...[200, 201, 206, 404].map(answers),
  count(GATEWAY, 'Requests', 'requests', all),
  count(OVERVIEW, 'Time to answer', '{{le}}', all, { le: '+Inf' }),
  count(GATEWAY, 'Bytes of bodies', '{{direction}}', (ledger) => ledger.of('bytes in'), { direction: 'in' }),
  count(GATEWAY, 'Bytes of bodies', '{{direction}}', (ledger) => ledger.of('bytes out'), { direction: 'out' }),
  count(STORAGE, 'Objects stored by result', '{{result}}', (ledger) => ledger.of('objects stored'), {
    result: 'created',
  }),
  count(STORAGE, 'Bytes in and out', 'in', (ledger) => ledger.of('bytes in')),
  count('macronode-index', 'Publications by result', '{{result}}', (ledger) => ledger.of('names created'), {
    result: 'created',
  }),
  count('macronode-omnigate', 'Judged by subject', '{{subject}}', (ledger) => ledger.sum('PUT /names/{name} '), {
    subject: 'omnigate.name.put',
  }),
  count(MAILBOX, 'Flow of messages', 'accepted', (ledger) => ledger.of('messages accepted')),
  count(MAILBOX, 'Flow of messages', 'delivered', (ledger) => ledger.of('messages delivered')),
  count(MAILBOX, 'Flow of messages', 'acknowledged', (ledger) => ledger.of('messages acknowledged')),
  { board: OVERVIEW, panel: 'Errors', legend: '5xx', kind: 'share', is: () => 0 },
];

/** What it says while a part of it is gone. */
const BROKEN: readonly Truth[] = [
  {
    board: OVERVIEW,
    panel: 'Errors',
    legend: '5xx',
    kind: 'share',
    is: (ledger) => coded(ledger, 500, 502, 503, 504, 507) / all(ledger),
  },
  {
    board: OVERVIEW,
    panel: 'Refused',
    legend: 'refused',
    kind: 'share',
    is: (ledger) => coded(ledger, 429, 503) / all(ledger),
  },
];

async function shownBy(prometheus: OwnPrometheus, truth: Truth, window: number, at: number): Promise<number> {
  const board = BOARDS.find(({ uid }) => uid === truth.board);
  const panel = board?.rows.flatMap(({ panels }) => panels).find(({ title }) => title === truth.panel);
  const target = panel?.targets.find(({ legend }) => legend === truth.legend);
  if (target === undefined) throw new Error(`no ${truth.legend} on ${truth.board} / ${truth.panel}`);
  const every = { job: 'macronode', service: '.+', instance: '.+' };
  const { series } = await prometheus.query(filled(target.expr, every, window), at);
  const wanted = Object.entries(truth.labels ?? {});
  const one = series.find(({ metric }) => wanted.every(([label, value]) => metric[label] === value));
  return Number(one?.value?.[1] ?? 0) * (truth.kind === 'count' ? window : 1);
}

async function compared(
  prometheus: OwnPrometheus,
  truths: readonly Truth[],
  ledger: Ledger,
  window: number,
  at: number,
): Promise<readonly TruthResult[]> {
  const results: TruthResult[] = [];
  for (const truth of truths) {
    const [expected, shown] = [truth.is(ledger), await shownBy(prometheus, truth, window, at)];
    // Rates of one query reach equally far: their quotient is exact but for floating point.
    const slack = truth.kind === 'share' ? 1e-6 : Math.max(expected * REACH, 1e-9);
    results.push({
      board: truth.board,
      panel: truth.panel,
      series: Object.values(truth.labels ?? {}).join(' ') || truth.legend,
      ledger: expected,
      shown,
      bound: truth.kind === 'share' ? 'exact' : `within ${REACH * 100} %`,
      holds: Math.abs(shown - expected) <= slack && (expected > 0 || truth.kind === 'share'),
    });
  }
  return results;
}

/** Nothing, then the load, then nothing; the window begins and ends in stillness. */
async function load(rig: Rig, rounds: number): Promise<{ ledger: Ledger; window: number; at: number }> {
  const client = new Client(rig.url, new Ledger());
  await delay(STILL_MS);
  const began = Date.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < rounds) await everything(client, next++);
  };
  // Answered by the gateway alone, whatever else is gone.
  for (let i = 0; i < ALONE; i += 1) await client.ask(ROUTES.openapi);
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await delay(STILL_MS / 2);
  const seconds = (Date.now() - began + STILL_MS / 2) / 1_000;
  const rest = Math.max(0, WINDOW_SECONDS_MIN - seconds);
  await delay(rest * 1_000);
  client.close();
  const at = Date.now() / 1_000;
  return { ledger: client.ledger, window: Math.round(seconds + rest), at };
}

/** The truth of a sound node, then of one that has lost omnigate. Nobody else may use the node meanwhile. */
export async function tellTruth(rig: Rig): Promise<readonly TruthResult[]> {
  // A series that appears with its first event hides it from a rate: each is there before it is counted.
  const warm = new Client(rig.url, new Ledger());
  for (let round = 0; round < 4; round += 1) await everything(warm, round);
  const sound = await load(rig, ROUNDS);
  const first = await compared(rig.prometheus, SOUND, sound.ledger, sound.window, sound.at);
  await rig.process('omnigate').end('SIGKILL');
  try {
    await everything(warm, 0);
    warm.close();
    const broken = await load(rig, 2);
    return [...first, ...(await compared(rig.prometheus, BROKEN, broken.ledger, broken.window, broken.at))];
  } finally {
    await rig.process('omnigate').start();
  }
}
