import type { CaseResult, Goal } from '../../bench-harness.ts';
import { runBulk } from '../../load/bulk.ts';
import { programOnPath } from '../../programs.ts';
import { commitsAt } from './commit-cadence.ts';
import { watchProcess } from './cpu-share.ts';
import type { ReadOrder, ReadReport } from './messages.ts';
import { type Found, type Part, percentilesOf, quantile, rounded, say, single, spread } from './part.ts';
import { errorsOf, latencyMs, rateOf, Readers } from './readers.ts';
import { type Started, withRegistry } from './started.ts';

type Read = ReadOrder['read'];

const CONNECTIONS = 64;
/** Of the reads of the head: who polls it mostly has it. Versions are cached for good, and asked for by those who have none. */
const KNOWN_SHARE: Readonly<Record<Read, number>> = { head: 0.5, version: 0.1 };
/** Requests a second, from the workloads of the documents; the last but one of the head and the third of versions are the objectives. */
const SWEEPS: Readonly<Record<Read, readonly number[]>> = {
  head: [500, 1_000, 1_500, 2_000, 2_500, 3_000],
  version: [1_000, 2_000, 3_000, 4_000],
};
const TARGET: Readonly<Record<Read, { readonly rate: number; readonly p95Ms: number; readonly p99Ms?: number }>> = {
  head: { rate: 2_500, p95Ms: 50, p99Ms: 90 },
  version: { rate: 3_000, p95Ms: 100 },
};
/** Commits a second while reads are at their rate. */
const COMMITS_PER_SECOND = 5;
const CPU = { medianShare: 0.6, p95Share: 0.85 } as const;
const MEMORY_MIB = { steady: 256, burst: 512 } as const;
const DESCRIPTORS_SHARE = 0.3;
/** What is not answered rightly at the rate of an objective is refused or failed: the document allows 0.1 % of failures alone. */
const RIGHT_SHARE_MIN = 0.999;
const WARM_UP_MS = 2_000;
/** Of a sweep: the middle one of three is told. */
const ROUNDS = 3;

interface Window {
  readonly read: Read;
  readonly rate: number;
  readonly report: ReadReport;
}

function caseOf(name: string, { report }: Pick<Window, 'report'>): CaseResult {
  const rate = rounded(rateOf(report));
  return {
    ...{ case: name, unit: 'requests/s', runs: 1, median: rate, min: rate, max: rate },
    ...{
      p50: latencyMs(report, 0.5) * 1_000,
      p95: latencyMs(report, 0.95) * 1_000,
      p99: latencyMs(report, 0.99) * 1_000,
    },
    errors: errorsOf(report),
  };
}

/** The highest rate of right answers: wrk where it is, which costs a fifth of what readers in Node do; else those. */
async function most(read: Read, { node, versions }: Started, readers: Readers, seconds: number): Promise<number> {
  if (programOnPath('wrk') !== undefined) {
    const path = read === 'head' ? '/registry/head' : `/registry/${versions}`;
    const order = { url: node.url, token: undefined, tool: 'wrk', connections: CONNECTIONS, seconds, path } as const;
    const { requestsPerSecond, failed } = await runBulk(order);
    if (failed > 0) throw new Error(`${failed} of the reads of the ${read} failed`);
    return requestsPerSecond;
  }
  const order = { url: node.url, read, ms: seconds * 1_000, knownShare: 0, versions, connections: CONNECTIONS };
  return rateOf(await readers.read(order));
}

/** Each rate in turn, and all over again: of each the window whose p95 is the middle one, so that a slow moment of the machine is nobody's. */
async function sweep(read: Read, started: Started, readers: Readers, windowMs: number): Promise<readonly Window[]> {
  const { node, versions } = started;
  const common = { url: node.url, read, knownShare: KNOWN_SHARE[read], versions, connections: CONNECTIONS };
  await readers.read({ ...common, rate: SWEEPS[read][0] ?? 0, ms: WARM_UP_MS });
  const reports = new Map<number, ReadReport[]>(SWEEPS[read].map((rate) => [rate, []]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [rate, windows] of reports) windows.push(await readers.read({ ...common, rate, ms: windowMs }));
  return [...reports].map(([rate, windows]) => {
    const [, report = windows[0]] = windows.toSorted((a, b) => latencyMs(a, 0.95) - latencyMs(b, 0.95));
    if (report === undefined) throw new Error('a sweep without windows');
    const errors = Object.entries(errorsOf(report)).map(([error, count]) => `${count} ${error}`);
    say(
      `${read} at ${rate}/s: ${rateOf(report).toFixed(0)}/s right, p95 ${latencyMs(report, 0.95).toFixed(1)} ms, p99 ${latencyMs(report, 0.99).toFixed(1)} ms${errors.length > 0 ? `, ${errors.join(', ')}` : ''}`,
    );
    return { read, rate, report };
  });
}

/** Both reads at the rates of the objectives, one after the other, while versions are committed: what the process takes for it. */
async function atTarget(started: Started, readers: Readers, ms: number): Promise<Found> {
  const { node, driver, versions } = started;
  const reports: Partial<Record<Read, ReadReport>> = {};
  const rounds = [];
  const shares: number[] = [];
  const residentMib: number[] = [];
  let descriptors = 0;
  for (const read of ['head', 'version'] as const) {
    const order = { url: node.url, read, knownShare: KNOWN_SHARE[read], versions, connections: CONNECTIONS };
    let over = false;
    const committing = commitsAt(driver, COMMITS_PER_SECOND, () => over);
    const watch = watchProcess(node.pid);
    const looked = setTimeout(() => {
      const { open, limit } = node.descriptors();
      descriptors = Math.max(descriptors, open / limit);
    }, ms / 2);
    reports[read] = await readers.read({ ...order, rate: TARGET[read].rate, ms });
    over = true;
    clearTimeout(looked);
    rounds.push(...(await committing));
    const use = await watch();
    shares.push(...use.shares);
    residentMib.push(...use.residentMib);
  }
  const commitMs = rounds.map((round) => round.ms.commit);
  const cpu = { median: quantile(shares, 0.5), p95: quantile(shares, 0.95) };
  const rss = { median: quantile(residentMib, 0.5), max: Math.max(...residentMib) };
  say(
    `at the rates of the objectives, with ${COMMITS_PER_SECOND} commits/s: CPU ${(cpu.median * 100).toFixed(0)} % of a core, p95 ${(cpu.p95 * 100).toFixed(0)} %; ${rss.max.toFixed(0)} MiB`,
  );
  const cases: CaseResult[] = [
    single('rss', 'MiB', rss.median, residentMib.length),
    single('cpu_median', '% of a core', cpu.median * 100, shares.length),
    single('cpu_p95', '% of a core', cpu.p95 * 100, shares.length),
    single('fd_share', '% of the limit', descriptors * 100),
    { ...spread('commit, beside reads at the rates of the objectives', 'ms', commitMs), ...percentilesOf(commitMs) },
  ];
  const goals: Goal[] = [
    { name: 'rss_mib', measured: rounded(rss.median), is: 'at most', bound: MEMORY_MIB.steady },
    { name: 'rss_peak_mib', measured: rounded(rss.max), is: 'at most', bound: MEMORY_MIB.burst },
    { name: 'cpu_median_share', measured: rounded(cpu.median), is: 'at most', bound: CPU.medianShare },
    { name: 'cpu_p95_share', measured: rounded(cpu.p95), is: 'at most', bound: CPU.p95Share },
    { name: 'descriptors_share', measured: rounded(descriptors), is: 'at most', bound: DESCRIPTORS_SHARE },
  ];
  for (const read of ['head', 'version'] as const) {
    const report = reports[read];
    if (report === undefined) continue;
    const { rate, p95Ms, p99Ms } = TARGET[read];
    const [p95, p99] = [latencyMs(report, 0.95), latencyMs(report, 0.99)];
    cases.push(
      single(`${read}_p95`, 'ms', p95, report.answered),
      single(`${read}_p99`, 'ms', p99, report.answered),
      caseOf(`${read} at ${rate}/s, ${COMMITS_PER_SECOND} commits/s beside`, { report }),
    );
    goals.push({ name: `${read}_p95_ms`, measured: rounded(p95), is: 'at most', bound: p95Ms });
    if (p99Ms !== undefined)
      goals.push({ name: `${read}_p99_ms`, measured: rounded(p99), is: 'at most', bound: p99Ms });
    const bad = Object.values(errorsOf(report)).reduce((sum, count) => sum + count, 0);
    const rightShare = report.answered / (report.answered + bad);
    goals.push({
      name: `${read}_right_share_at_${rate}`,
      measured: rounded(rightShare),
      is: 'at least',
      bound: RIGHT_SHARE_MIN,
    });
  }
  return { cases, goals };
}

async function run(quick: boolean): Promise<Found> {
  return withRegistry(quick, async (started) => {
    await using readers = await Readers.start();
    const windowMs = quick ? 700 : 4_000;
    const cases: CaseResult[] = [];
    const goals: Goal[] = [];
    for (const read of ['head', 'version'] as const) {
      const rate = await most(read, started, readers, quick ? 2 : 8);
      say(`${read}: ${rate.toFixed(0)} requests/s with ${CONNECTIONS} connections, as fast as they are answered`);
      cases.push(single(read, 'requests/s', rate));
      goals.push({ name: `${read}_per_second`, measured: rounded(rate), is: 'at least', bound: TARGET[read].rate });
      for (const one of await sweep(read, started, readers, windowMs))
        cases.push(caseOf(`${read} at ${one.rate}/s`, one));
    }
    const target = await atTarget(started, readers, quick ? 3_000 : 30_000);
    return { cases: [...cases, ...(target.cases ?? [])], goals: [...goals, ...(target.goals ?? [])] };
  });
}

/** The read plane on the registry's own port: its best, the sweeps of the documents, and what it takes at the objectives. */
export const reads: Part = { name: 'reads', run };
