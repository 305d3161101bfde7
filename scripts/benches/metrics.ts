import type { CaseResult, Flags, Goal, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { Child } from '../measure/child.ts';
import { COUNTING_CASES } from './metrics/counting-cases.ts';
import type { ScrapeReport } from './metrics/scrape-report.ts';
import { twoThreads } from './metrics/two-threads.ts';
import { measureCase } from './micro/measure-case.ts';
import { spread } from './registry/part.ts';

/** What a scrape of 1,000 series may keep the event loop for, in ms. */
const BLOCKED_MS_MAX = 2;
const FLOOR_DIGITS = 3;
const CASE_PROCESS = new URL('metrics/case-process.ts', import.meta.url);

const say = ({ case: name, unit, median, min, max }: CaseResult): void => {
  process.stdout.write(`  ${name.padEnd(28)} ${String(median).padStart(8)} ${unit}   (${min} to ${max})\n`);
};

async function scrapes(runs: string): Promise<readonly CaseResult[]> {
  const child = new Child<ScrapeReport>(new URL('metrics/scrape-process.ts', import.meta.url), [runs]);
  try {
    const { blockedMs, totalMs, wholeMs } = await child.next('scraped');
    const results = [
      spread('scrape_1000_blocked', 'ms', blockedMs),
      spread('scrape_1000_total', 'ms', totalMs),
      spread('scrape_1000_prom_client', 'ms', wholeMs),
    ];
    results.forEach(say);
    return results;
  } finally {
    await child.stop();
  }
}

async function threads(runs: number): Promise<readonly CaseResult[]> {
  const results = [await twoThreads('lanes', runs), await twoThreads('atomics', runs)];
  results.forEach(say);
  return results;
}

async function measure(flags: Flags): Promise<Outcome> {
  const runs = String(flags['runs']);
  const cases: CaseResult[] = [];
  const floors: number[] = [];
  for (const one of COUNTING_CASES) {
    const { result, floorNs } = await measureCase(CASE_PROCESS, one, { runs: Number(runs), share: 1 });
    cases.push(result);
    floors.push(floorNs);
  }
  cases.push(...(await threads(Number(runs))), ...(await scrapes(runs)));
  const median = (name: string): number => cases.find((one) => one.case === name)?.median ?? NaN;
  const goals: readonly Goal[] = [
    { name: 'scrape_1000_blocked', measured: median('scrape_1000_blocked'), is: 'at most', bound: BLOCKED_MS_MAX },
  ];
  const over = (of: string, to: string): number => Number((median(of) / median(to)).toPrecision(FLOOR_DIGITS));
  return {
    cases,
    goals,
    ratios: {
      'prom-client, 1 label / cell held': over('prom_client_1_label', 'cell_held'),
      'one cell with Atomics / lanes': over('two_threads_atomics', 'two_threads_lanes'),
    },
    figures: { floor_ns: Number(spread('floor', 'ns', floors).median.toPrecision(FLOOR_DIGITS)) },
  };
}

/** What it costs to count, in ns of CPU, the empty loop taken away; and what a scrape takes of the event loop. */
export const metrics: SelfRunningBench = {
  summary: 'counting: cells, lanes and histograms beside prom-client and OpenTelemetry; a scrape of 1,000 series',
  run: measure,
};
