// Known loads, and what the panels say of them: the queries of the panels themselves, over the seconds of each load.
import { setTimeout as delay } from 'node:timers/promises';
import { ROUTES } from '@macronode/contracts';
import { Redis } from 'ioredis';
import { BOARDS } from '../../grafana/boards/index.ts';
import { poll } from '../poll.ts';
import type { OwnPrometheus } from '../prometheus.ts';
import { Client, everything } from '../rig/client.ts';
import { scrapesOf, secondsCounted } from './counted.ts';
import { Ledger } from '../rig/ledger.ts';
import { filled } from './live.ts';
import { crowd, mistakes, neverAcknowledged } from './mistakes.ts';
import { commitTooEarly, driverOf, OpenStreams, readLog, writeLog } from './registry-traffic.ts';
import { damagedTrust, foreign, talk } from './mesh/mesh-traffic.ts';
import type { Rig } from './rig.ts';
import { answersOf, BROKEN, CROWDED, MISTAKEN, SOUND, type Truth } from './truths.ts';

const ROUNDS = 120;
const ROUNDS_MISTAKEN = 24;
const POISON_MESSAGES = 6;
const POISON_ENTRIES = 12;
const GONE_TIMEOUT_MS = 60_000;
const AT_ONCE = 4;
const ALONE = 20;
/** Rounds of commits of the log for so many of everything else: one after another, each with some reads. */
const ROUNDS_PER_COMMIT = 8;
const READS_PER_COMMIT = 4;
const STREAMS = 3;
/** Rounds of everything else for a claim of each side of the mesh. */
const ROUNDS_PER_CLAIM = 4;
/** Scrapes without traffic before and after, so that no sample falls into the middle. */
const STILL_MS = 6_000;
/** A count is a whole number: what is nearer to another one is wrong. Of bytes, what floating point leaves. */
const COUNT_SLACK = 0.4;
const FLOAT_SLACK = 1e-5;

export interface TruthResult {
  readonly board: string;
  readonly panel: string;
  readonly series: string;
  readonly ledger: number;
  readonly shown: number;
  readonly holds: boolean;
}

/** A load that is over, with nothing before and after it. */
interface Load {
  readonly ledger: Ledger;
  /** Unix seconds. */
  readonly from: number;
  readonly to: number;
}

function queryOf(truth: Truth, window: number): string {
  const board = BOARDS.find(({ uid }) => uid === truth.board);
  const panel = board?.rows.flatMap(({ panels }) => panels).find(({ title }) => title === truth.panel);
  const target = panel?.targets.find(({ legend }) => legend === truth.legend);
  if (target === undefined) throw new Error(`no ${truth.legend} on ${truth.board} / ${truth.panel}`);
  const every = { job: 'macronode', service: '.+', instance: '.+' };
  return filled(target.expr, every, window);
}

async function valueOf(prometheus: OwnPrometheus, truth: Truth, window: number, at: number): Promise<number> {
  const { series } = await prometheus.query(queryOf(truth, window), at);
  const wanted = Object.entries(truth.labels);
  const one = series.find(({ metric }) => wanted.every(([label, value]) => metric[label] === value));
  return Number(one?.value?.[1] ?? 0);
}

async function compared(
  prometheus: OwnPrometheus,
  truths: readonly Truth[],
  { ledger, from, to }: Load,
): Promise<readonly TruthResult[]> {
  const window = to - from;
  const results: TruthResult[] = [];
  for (const truth of truths) {
    const value = await valueOf(prometheus, truth, window, to);
    const service = truth.labels['service'] ?? /service="(\w+)"/.exec(queryOf(truth, window))?.[1] ?? '';
    const scrapes = await scrapesOf(prometheus, service, from, to);
    const shown =
      truth.kind === 'count'
        ? value * secondsCounted(scrapes, from, to)
        : truth.kind === 'growth'
          ? value - (await valueOf(prometheus, truth, window, from))
          : value;
    const expected = truth.is(ledger);
    const slack = truth.kind === 'share' ? FLOAT_SLACK : Math.max(COUNT_SLACK, FLOAT_SLACK * expected);
    results.push({
      board: truth.board,
      panel: truth.panel,
      series: Object.values(truth.labels).join(' ') || truth.legend,
      ledger: expected,
      shown,
      holds: Math.abs(shown - expected) <= slack && (expected > 0 || truth.kind === 'share'),
    });
  }
  return results;
}

/** Nothing, then the work, then nothing. */
async function load(rig: Rig, work: (client: Client) => Promise<unknown>): Promise<Load> {
  const client = new Client(rig.url, new Ledger());
  const from = Math.ceil(Date.now() / 1_000);
  await delay(STILL_MS);
  await work(client);
  await delay(STILL_MS);
  client.close();
  return { ledger: client.ledger, from, to: Math.floor(Date.now() / 1_000) };
}

async function rounds(count: number, work: (round: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Entries that are no frames, in the stream of storage. */
async function nonsense(rig: Rig, entries: number): Promise<void> {
  const redis = new Redis(rig.redis.url, { maxRetriesPerRequest: 3 });
  for (let i = 0; i < entries; i += 1) await redis.xadd('bus:{b0}:rq:storage:fast', '*', 'n', '1', 'f', 'not a frame');
  redis.disconnect();
}

/** What the log is asked, at the gateway and at its own port: nothing that is refused. */
async function governance(rig: Rig, { ledger }: Client, commits: number): Promise<void> {
  using driver = driverOf(rig, ledger);
  using direct = driverOf({ url: rig.registryUrl, signers: rig.signers });
  for (let i = 0; i < commits; i += 1) {
    await writeLog(driver);
    await readLog(driver, READS_PER_COMMIT);
    await readLog(direct, READS_PER_COMMIT);
  }
  ledger.add('heads at the registry', direct.client.ledger.sum(`GET ${ROUTES.registryHead.template} `));
}

/** Streams that stay open until the truth is told. */
async function listen(rig: Rig, { ledger }: Client, streams: OpenStreams): Promise<void> {
  await streams.open(rig.url, STREAMS);
  await streams.open(rig.registryUrl, STREAMS - 1);
  ledger.add('streams at the gateway', STREAMS);
  ledger.add('streams at the registry', STREAMS - 1);
}

/** What users and peers do wrong, so many times. */
async function wrong(rig: Rig, client: Client, repeats: number): Promise<void> {
  await rounds(repeats, () => mistakes(client));
  const poison = Math.ceil((repeats * POISON_MESSAGES) / ROUNDS_MISTAKEN);
  await Promise.all(Array.from({ length: poison }, () => neverAcknowledged(client)));
  using driver = driverOf(rig, client.ledger);
  for (let by = 0; by < repeats; by += 1) await commitTooEarly(driver, by);
  await foreign(rig, client.ledger, repeats);
  await damagedTrust(rig, client.ledger, repeats);
  const entries = Math.ceil((repeats * POISON_ENTRIES) / ROUNDS_MISTAKEN);
  await nonsense(rig, entries);
  client.ledger.add('entries malformed', entries);
}

/**
 * The truth of a sound node, of one whose users are mistaken or too many, and of one that has lost omnigate. Nobody else
 * may use it. Every load is made twice: a series begins with its first event, which no rate sees.
 */
export async function tellTruth(rig: Rig): Promise<readonly TruthResult[]> {
  const { prometheus } = rig;
  const right = async (client: Client, repeats: number): Promise<void> => {
    // Answered by the gateway alone, whatever else is gone.
    for (let i = 0; i < ALONE; i += 1) await client.ask(ROUTES.openapi);
    await rounds(repeats, (round) => everything(client, round));
    await governance(rig, client, Math.ceil(repeats / ROUNDS_PER_COMMIT));
    await talk(rig, client.ledger, Math.ceil(repeats / ROUNDS_PER_CLAIM));
  };
  using streams = new OpenStreams();
  await load(rig, (client) => right(client, 2 * AT_ONCE));
  const sound = await load(rig, async (client) => {
    await right(client, ROUNDS);
    await listen(rig, client, streams);
  });
  await load(rig, (client) => wrong(rig, client, AT_ONCE));
  const mistaken = await load(rig, (client) => wrong(rig, client, ROUNDS_MISTAKEN));
  await load(rig, crowd);
  const crowded = await load(rig, crowd);
  await rig.process('omnigate').end('SIGKILL');
  try {
    await poll('omnigate to be known to be gone', GONE_TIMEOUT_MS, async () => {
      const { ledger } = await load(rig, (client) => right(client, 1));
      return answersOf(ledger, 500, 503, 504) === 0;
    });
    const broken = await load(rig, (client) => right(client, 2));
    return [
      ...(await compared(prometheus, SOUND, sound)),
      ...(await compared(prometheus, MISTAKEN, mistaken)),
      ...(await compared(prometheus, CROWDED, crowded)),
      ...(await compared(prometheus, BROKEN, broken)),
    ];
  } finally {
    await rig.process('omnigate').start();
  }
}
