import { setTimeout as delay } from 'node:timers/promises';
import type { CaseResult } from '../../bench-harness.ts';
import { commitsAt, commitsInARow, type TimedRound } from './commit-cadence.ts';
import { type Found, type Part, percentilesOf, quantile, rounded, say, single, spread } from './part.ts';
import { Readers } from './readers.ts';
import { type Started, withRegistry } from './started.ts';

/** Rates of the documents, commits a second. */
const CADENCE = [1, 2, 3, 5] as const;
/** Reads beside them, requests a second. */
const READS_PER_SECOND = 1_000;
const P95_MS_MAX = 750;
const P99_MS_MAX = 1_200;

const wholeMs = ({ ms }: TimedRound): number => ms.propose + Math.max(...ms.approve) + ms.commit;

function caseOf(name: string, rounds: readonly TimedRound[]): CaseResult {
  const ms = rounds.map((round) => round.ms.commit);
  return { ...spread(name, 'ms', ms), ...percentilesOf(ms) };
}

/** Commits at each rate while the head is read. */
async function cadences({ node, driver, versions }: Started, windowMs: number): Promise<readonly TimedRound[]> {
  await using readers = await Readers.start();
  const all: TimedRound[] = [];
  for (const perSecond of CADENCE) {
    let over = false;
    const order = { url: node.url, read: 'head', knownShare: 0.5, versions, connections: 16 } as const;
    const reading = readers.readRightly({ ...order, rate: READS_PER_SECOND, ms: windowMs });
    const committing = commitsAt(driver, perSecond, () => over);
    await Promise.all([reading, delay(windowMs)]);
    over = true;
    const rounds = await committing;
    const ms = rounds.map((round) => round.ms.commit);
    say(
      `${perSecond}/s: ${rounds.length} commits, p95 ${quantile(ms, 0.95).toFixed(1)} ms, whole rounds ${quantile(rounds.map(wholeMs), 0.95).toFixed(1)} ms`,
    );
    all.push(...rounds);
  }
  return all;
}

async function run(quick: boolean): Promise<Found> {
  return withRegistry(quick, async (started) => {
    const paced = await cadences(started, quick ? 4_000 : 20_000);
    const startedAt = performance.now();
    const row = await commitsInARow(started.driver, quick ? 40 : 400);
    const perSecond = row.length / ((performance.now() - startedAt) / 1_000);
    say(`one after another: ${perSecond.toFixed(1)} whole rounds a second`);
    const ms = paced.map((round) => round.ms.commit);
    const [p95, p99] = [quantile(ms, 0.95), quantile(ms, 0.99)];
    const stage = (name: string, of: (round: TimedRound) => readonly number[]): CaseResult => {
      const values = paced.flatMap(of);
      return { ...spread(name, 'ms', values), ...percentilesOf(values) };
    };
    return {
      cases: [
        single('commit_p95', 'ms', p95, ms.length),
        single('commit_p99', 'ms', p99, ms.length),
        caseOf(`commit at ${CADENCE[0]} to ${CADENCE.at(-1)}/s, N = 7, M = 3`, paced),
        stage('propose', (round) => [round.ms.propose]),
        stage('approve', (round) => round.ms.approve),
        stage('a whole round: propose, approvals at once, commit', (round) => [wholeMs(round)]),
        caseOf('commit, one round after another', row),
        single('rounds, one after another', 'commits/s', perSecond, row.length),
      ],
      goals: [
        { name: 'commit_p95_ms', measured: rounded(p95), is: 'at most', bound: P95_MS_MAX },
        { name: 'commit_p99_ms', measured: rounded(p99), is: 'at most', bound: P99_MS_MAX },
        { name: 'commits_per_second', measured: rounded(perSecond), is: 'at least', bound: 5 },
      ],
    };
  });
}

/** Propose, three approvals, commit: at the cadence of the documents while the log is read, then as fast as one round follows another. */
export const commits: Part = { name: 'commits', run };
