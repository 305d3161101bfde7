import type { CaseResult, Goal, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { startRedis } from '../redis.ts';
import { Child } from '../measure/child.ts';
import { LatencyHistogram } from '../measure/histogram.ts';
import type { LoadOrder, LoadReport, OverflowMessage } from './overflow/messages.ts';
import { type MemoryCourse, MemoryWatch } from './overflow/memory-watch.ts';

const SECONDS = 60;
/** What the slow handler does per request, in microseconds of a core. */
const BUSY_MICROS = 250;
/** One client with the default bound, which refuses at its own; one with a bound so high that the stream refuses. */
const CLIENTS = [
  { name: 'client', inflightCalls: 1_024 },
  { name: 'wide_client', inflightCalls: 32_768 },
] as const;
const CAPACITY_CONCURRENCY = 64;
const CAPACITY_MS = 4_000;
const RATED_SHARE_OF_CAPACITY = 0.7;
const OVERLOAD = 4;
/** A phase may take this much longer than its load: every call has to end. */
const PHASE_SLACK_MS = 60_000;
const MIB = 1_024 * 1_024;

/** `bus_requests_total{result}` of what a caller gets. */
const RESULT_OF: Readonly<Record<string, string>> = {
  ok: 'ok',
  BusOverflow: 'overflow',
  BusDeadline: 'deadline',
  BusNoResponders: 'no_responders',
  BusUnavailable: 'unavailable',
  BusOutcomeUnknown: 'unknown',
  RemoteError: 'error',
  BusPayloadTooLarge: 'too_large',
};

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((all, one) => all + one, 0);

function merged(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const counts of all) for (const [key, count] of Object.entries(counts)) total[key] = (total[key] ?? 0) + count;
  return total;
}

/** Both clients' reports of one phase as one. */
class PhaseResult {
  readonly offered: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly results: Readonly<Record<string, number>>;
  readonly overflow: Readonly<Record<string, number>>;
  readonly published: number;
  readonly answeredPerSecond: number;
  readonly answers = new LatencyHistogram();
  readonly refusals = new LatencyHistogram();

  constructor(reports: readonly LoadReport[]) {
    this.offered = reports.reduce((all, { offered }) => all + offered, 0);
    this.published = reports.reduce((all, { published }) => all + published, 0);
    this.answeredPerSecond = reports.reduce((all, one) => all + one.answeredPerSecond, 0);
    this.ended = merged(reports.map(({ ended }) => ended));
    this.results = merged(reports.map(({ results }) => results));
    this.overflow = merged(reports.map(({ overflow }) => overflow));
    for (const { answers, refusals } of reports) {
      this.answers.add(answers);
      this.refusals.add(refusals);
    }
  }

  /** Calls nobody can say the end of. */
  get unaccounted(): number {
    return this.offered - sum(this.ended);
  }

  /** Calls the caller and the metrics count differently. */
  get miscounted(): number {
    const own: Record<string, number> = {};
    for (const [end, count] of Object.entries(this.ended)) own[RESULT_OF[end] ?? end] = count;
    const results = new Set([...Object.keys(own), ...Object.keys(this.results)]);
    let off = Math.abs((own['overflow'] ?? 0) - sum(this.overflow));
    for (const result of results) off += Math.abs((own[result] ?? 0) - (this.results[result] ?? 0));
    return off;
  }

  get overflowRatio(): number {
    return sum(this.overflow) / Math.max(1, this.published);
  }

  case(name: string): CaseResult {
    const rate = Math.round(this.answeredPerSecond);
    return {
      ...{ case: name, unit: 'answers/s', median: rate, min: rate, max: rate, runs: 1 },
      p50: this.answers.quantile(0.5),
      p99: this.answers.quantile(0.99),
      errors: Object.fromEntries(Object.entries(this.ended).filter(([end]) => end !== 'ok')),
    };
  }

  print(title: string, offeredPerSecond: number): void {
    const list = (counts: Readonly<Record<string, number>>): string =>
      Object.entries(counts)
        .filter(([, count]) => count > 0)
        .map(([key, count]) => `${key} ${count.toLocaleString('en')}`)
        .join(', ') || 'none';
    const ms = (histogram: LatencyHistogram, share: number): string => (histogram.quantile(share) / 1_000).toFixed(1);
    process.stdout.write(
      `\n${title}: offered ${Math.round(offeredPerSecond)}/s, answered ${Math.round(this.answeredPerSecond)}/s\n` +
        `  ended       ${list(this.ended)} of ${this.offered.toLocaleString('en')}; unaccounted ${this.unaccounted}\n` +
        `  counters    ${list(this.results)}; by gate: ${list(this.overflow)}; published ${this.published.toLocaleString('en')}\n` +
        `  answers     p50 ${ms(this.answers, 0.5)} ms, p99 ${ms(this.answers, 0.99)} ms\n` +
        `  refusals    p50 ${ms(this.refusals, 0.5)} ms, p99 ${ms(this.refusals, 0.99)} ms\n`,
    );
  }
}

/** A Redis, one slow server and its callers, each a process. */
class OverflowRun {
  readonly #seconds: number;
  readonly #stack: AsyncDisposableStack;

  constructor(seconds: number, stack: AsyncDisposableStack) {
    this.#seconds = seconds;
    this.#stack = stack;
  }

  async run(): Promise<Outcome> {
    const redis = this.#stack.use(await startRedis({ appendOnly: false }));
    const server = await this.#start('overflow-server-process.ts', [redis.url, String(BUSY_MICROS)]);
    const clients: Child<OverflowMessage>[] = [];
    for (const { inflightCalls } of CLIENTS) {
      clients.push(await this.#start('overflow-client-process.ts', [redis.url, String(inflightCalls)]));
    }
    const each = async (order: LoadOrder): Promise<PhaseResult> => {
      const reports = clients.map((client) => client.next('report', order.ms + PHASE_SLACK_MS));
      for (const client of clients) client.send(order);
      return new PhaseResult((await Promise.all(reports)).map(({ report }) => report));
    };
    const offer = (perSecond: number, seconds: number): Promise<PhaseResult> =>
      each({ type: 'open', rate: perSecond / clients.length, ms: seconds * 1_000 });

    await each({ type: 'closed', concurrency: CAPACITY_CONCURRENCY, ms: CAPACITY_MS / 2 });
    const full = await each({ type: 'closed', concurrency: CAPACITY_CONCURRENCY, ms: CAPACITY_MS });
    const capacity = full.answeredPerSecond;
    const rated = capacity * RATED_SHARE_OF_CAPACITY;
    full.print(`capacity, ${CAPACITY_CONCURRENCY * clients.length} in flight`, capacity);
    const atRated = await offer(rated, Math.max(5, this.#seconds / 4));
    atRated.print('rated load', rated);
    const watch = new MemoryWatch(redis.url, [
      { name: 'redis', pid: redis.process.pid },
      { name: 'server', pid: server.pid },
      ...clients.map(({ pid }, at) => ({ name: CLIENTS[at]?.name ?? String(at), pid })),
    ]);
    const over = await offer(rated * OVERLOAD, this.#seconds);
    const memory = watch.stop();
    over.print(`${OVERLOAD} × rated load for ${this.#seconds} s`, rated * OVERLOAD);
    printMemory(memory);
    return outcomeOf({ capacity, full, atRated, over, memory });
  }

  async #start(script: string, args: readonly string[]): Promise<Child<OverflowMessage>> {
    const child = new Child<OverflowMessage>(new URL(`overflow/${script}`, import.meta.url), args);
    this.#stack.defer(() => child.stop());
    await child.next('ready');
    return child;
  }
}

function printMemory(memory: Readonly<Record<string, MemoryCourse>>): void {
  for (const [name, { maxBytes, slope, growth }] of Object.entries(memory)) {
    process.stdout.write(
      `  memory      ${name.padEnd(12)} at most ${(maxBytes / MIB).toFixed(1)} MiB, after 10 s ` +
        `${((slope * 60) / MIB).toFixed(2)} MiB a minute, last quarter ${growth.toFixed(2)} × the first\n`,
    );
  }
  process.stdout.write('\n');
}

interface Found {
  readonly capacity: number;
  readonly full: PhaseResult;
  readonly atRated: PhaseResult;
  readonly over: PhaseResult;
  readonly memory: Readonly<Record<string, MemoryCourse>>;
}

const SIGNIFICANT_DIGITS = 4;
const rounded = (value: number): number => Number(value.toPrecision(SIGNIFICANT_DIGITS));

function outcomeOf({ capacity, full, atRated, over, memory }: Found): Outcome {
  const goodput = rounded(over.answeredPerSecond / capacity);
  const refusalP99Ms = rounded(over.refusals.quantile(0.99) / 1_000);
  const growing = Object.entries(memory).filter(([, { growth }]) => !Number.isNaN(growth));
  const goals: Goal[] = [
    { name: 'rated_overflow_ratio', measured: rounded(atRated.overflowRatio), is: 'at most', bound: 0.0001 },
    { name: 'unaccounted_calls', measured: atRated.unaccounted + over.unaccounted, is: 'at most', bound: 0 },
    { name: 'miscounted_calls', measured: atRated.miscounted + over.miscounted, is: 'at most', bound: 0 },
    { name: 'goodput_of_capacity', measured: goodput, is: 'at least', bound: 0.95 },
    { name: 'refusal_p99_ms', measured: refusalP99Ms, is: 'at most', bound: 20 },
    ...growing.map(([name, { growth }]): Goal => {
      return { name: `memory_growth_${name}`, measured: rounded(growth), is: 'at most', bound: 1.1 };
    }),
  ];
  return {
    cases: [full.case('capacity'), atRated.case('rated'), over.case('overload')],
    ratios: {},
    slopes: Object.fromEntries(Object.entries(memory).map(([name, { slope }]) => [`${name}_bytes_per_s`, slope])),
    figures: Object.fromEntries([
      ...Object.entries(memory).map(([name, { maxBytes }]) => [`${name}_max_bytes`, maxBytes] as const),
      ...Object.entries(over.overflow).map(([gate, count]) => [`overload_overflow_${gate}`, count] as const),
      ['rated_published', atRated.published],
      ['rated_overflow', sum(atRated.overflow)],
      ['overload_offered', over.offered],
    ]),
    goals,
  };
}

/** What happens above the capacity: nothing grows, nothing is lost in silence, and what is accepted is answered. */
export const busOverflow: SelfRunningBench = {
  summary: 'four times the rated load against a slow handler: refusals, memory, goodput',
  flags: { seconds: { type: 'string', default: String(SECONDS) } },
  run: async ({ seconds }) => {
    await using stack = new AsyncDisposableStack();
    // Awaited here: what the run started is stopped when it is over.
    return await new OverflowRun(Number(seconds), stack).run();
  },
};
