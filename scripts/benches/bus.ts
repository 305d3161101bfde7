import type { CaseResult, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { Arena, type Measurement } from './bus/arena.ts';
import { CONTESTANT_NAMES, CONTESTANTS, type ContestantName } from './bus/contestants/contestants.ts';
import { shapeTitle } from './bus/load-loops.ts';
import type { Shape } from './bus/messages.ts';
import { PAYLOAD_NAMES, PAYLOADS } from './bus/payloads.ts';
import { compare } from './bus/ratios.ts';
import { cellName, type Section, sectionsOf } from './bus/sections.ts';

const ROUNDS = 3;
const WINDOW_MS = 1_600;
const WARM_UP_MS = 400;
/** Processes are new in each section: this much load comes before its first window. */
const FIRST_WARM_UP_MS = 1_500;
/** A window in which others used more of the machine than this is measured again, at most twice. */
const FOREIGN_SHARE_MAX = 0.1;
const REPEATS_MAX = 2;
/** Repeats of a whole run, as a share of its windows: on a busy machine it ends all the same, and says so. */
const REPEATS_SHARE_MAX = 0.15;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const SIGNIFICANT_DIGITS = 4;
const rounded = (value: number): number => Number(value.toPrecision(SIGNIFICANT_DIGITS));

/** One cell of the table: the medians of its rounds. */
function caseOf(name: string, bytes: number, rounds: readonly Measurement[]): CaseResult {
  const of = (pick: (one: Measurement) => number): number => rounded(median(rounds.map(pick)));
  const rates = rounds.map(({ callsPerSecond }) => callsPerSecond);
  const errors: Record<string, number> = {};
  for (const round of rounds) {
    for (const [error, count] of Object.entries(round.errors)) errors[error] = (errors[error] ?? 0) + count;
  }
  return {
    case: name,
    unit: 'calls/s',
    median: of((one) => one.callsPerSecond),
    min: rounded(Math.min(...rates)),
    max: rounded(Math.max(...rates)),
    runs: rounds.length,
    p50: of((one) => one.p50Micros),
    p99: of((one) => one.p99Micros),
    bytes,
    cpu_us: {
      client: of(({ cpu }) => cpu.client),
      server: of(({ cpu }) => cpu.server),
      redis: of(({ cpu }) => cpu.redis),
      total: of(({ cpu }) => cpu.total),
    },
    errors,
    noisy_runs: rounds.filter(({ foreignShare }) => foreignShare > FOREIGN_SHARE_MAX).length,
  };
}

const ms = (micros: number | undefined): string => ((micros ?? Number.NaN) / 1_000).toFixed(2);
const micros = (result: CaseResult, process: string): string => (result.cpu_us?.[process] ?? Number.NaN).toFixed(1);

function tableOf(title: string, rows: readonly { readonly contestant: string; readonly result: CaseResult }[]): string {
  const head = ['', 'calls/s', 'p50 ms', 'p99 ms', 'µs client', 'server', 'redis', 'all', 'errors', ''];
  const lines = rows.map(({ contestant, result }) => [
    contestant,
    Math.round(result.median).toLocaleString('en'),
    ms(result.p50),
    ms(result.p99),
    ...['client', 'server', 'redis', 'total'].map((process) => micros(result, process)),
    Object.entries(result.errors ?? {})
      .map(([error, count]) => `${count} ${error}`)
      .join(', ') || '0',
    (result.noisy_runs ?? 0) === 0 ? '' : `${result.noisy_runs} of ${result.runs} noisy`,
  ]);
  const widths = head.map((cell, at) => Math.max(cell.length, ...lines.map((line) => line[at]?.length ?? 0)));
  const format = (cells: readonly string[]): string =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  return [`\n${title}`, format(head), ...lines.map(format)].map((line) => line.trimEnd()).join('\n');
}

/** One run: it goes section by section, and in each round from contestant to contestant, so that a slow minute hits all. */
class BusRun {
  readonly #sections: readonly Section[];
  readonly #rounds: number;
  readonly #cases: CaseResult[] = [];
  readonly #tables: string[] = [];
  #windowsLeft: number;
  #repeatsLeft: number;

  constructor(sections: readonly Section[], rounds: number, repeats: boolean) {
    this.#sections = sections;
    this.#rounds = rounds;
    this.#windowsLeft = sections.reduce(
      (sum, { contestants, shapes }) => sum + contestants.length * shapes.length * rounds,
      0,
    );
    this.#repeatsLeft = repeats ? Math.ceil(this.#windowsLeft * REPEATS_SHARE_MAX) : 0;
  }

  async run(): Promise<Outcome> {
    for (const section of this.#sections) await this.#section(section);
    process.stdout.write(`${this.#tables.join('\n')}\n\n`);
    return { cases: this.#cases, ...compare(this.#cases) };
  }

  async #section(section: Section): Promise<void> {
    await using arenas = new AsyncDisposableStack();
    const opened: Arena[] = [];
    for (const name of section.contestants) opened.push(arenas.use(await Arena.open(name, section.clients)));
    for (const arena of opened) {
      const shape = { loop: 'closed', concurrency: 64 } as const;
      await arena.measure({ shape, payload: section.payload, warmUpMs: FIRST_WARM_UP_MS, windowMs: 1 });
    }
    for (const shape of section.shapes) await this.#cells(section, shape, opened);
  }

  async #cells(section: Section, shape: Shape, arenas: readonly Arena[]): Promise<void> {
    const measured = new Map<ContestantName, Measurement[]>(arenas.map(({ name }) => [name, []]));
    for (let round = 0; round < this.#rounds; round += 1) {
      for (const arena of arenas) measured.get(arena.name)?.push(await this.#window(section, shape, arena));
    }
    const rows = [...measured].map(([name, rounds]) => ({
      contestant: CONTESTANTS[name].title,
      result: caseOf(cellName(name, section, shape), PAYLOADS[section.payload].bytes, rounds),
    }));
    this.#cases.push(...rows.map(({ result }) => result));
    this.#tables.push(tableOf(`${section.title}, ${shapeTitle(shape)}`, rows));
  }

  /** The quietest of at most three windows. */
  async #window(section: Section, shape: Shape, arena: Arena): Promise<Measurement> {
    const order = { shape, payload: section.payload, warmUpMs: WARM_UP_MS, windowMs: WINDOW_MS };
    let best = await arena.measure(order);
    for (let repeat = 0; repeat < REPEATS_MAX && best.foreignShare > FOREIGN_SHARE_MAX; repeat += 1) {
      if (this.#repeatsLeft === 0) break;
      this.#repeatsLeft -= 1;
      const again = await arena.measure(order);
      if (again.foreignShare < best.foreignShare) best = again;
    }
    this.#windowsLeft -= 1;
    const noise = best.foreignShare > FOREIGN_SHARE_MAX ? `  (others: ${Math.round(best.foreignShare * 100)} %)` : '';
    const rate = Math.round(best.callsPerSecond).toLocaleString('en').padStart(9);
    process.stdout.write(
      `  ${String(this.#windowsLeft).padStart(3)} left  ${cellName(arena.name, section, shape).padEnd(34)} ${rate} calls/s` +
        `  p99 ${ms(best.p99Micros)} ms  ${best.cpu.total.toFixed(1)} µs${noise}\n`,
    );
    return best;
  }
}

/** The names of a comma-separated list; undefined for a flag that was not given. */
function chosen<Name extends string>(flag: unknown, known: readonly Name[]): readonly Name[] | undefined {
  if (typeof flag !== 'string') return undefined;
  return flag.split(',').map((name) => {
    const found = known.find((each) => each === name);
    if (found === undefined) throw new Error(`there is no '${name}'; there are: ${known.join(', ')}`);
    return found;
  });
}

/** The bus beside what one would take instead of it, in one interleaved run of separate processes over a real Redis. */
export const bus: SelfRunningBench = {
  summary: 'request and reply between processes: ours, NestJS Redis and TCP, plain Redis Streams, BullMQ',
  flags: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    payloads: { type: 'string' },
    rounds: { type: 'string', default: String(ROUNDS) },
  },
  run: (flags) => {
    const quick = flags['quick'] === true;
    const contestants = chosen(flags['only'], CONTESTANT_NAMES);
    const payloads = chosen(flags['payloads'], PAYLOAD_NAMES);
    return new BusRun(sectionsOf({ quick, contestants, payloads }), Number(flags['rounds']), !quick).run();
  },
};
