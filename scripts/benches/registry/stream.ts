import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../../measure/child.ts';
import { commitsAt, type TimedRound } from './commit-cadence.ts';
import type { ListenerMessage, ListenOrder } from './messages.ts';
import { type Found, type Part, percentilesOf, quantile, rounded, say, single, spread } from './part.ts';
import { withRegistry } from './started.ts';

const CLIENTS = 1_000;
const COMMITS_PER_SECOND = 5;
const P95_MS_MAX = 200;
const SETTLE_MS = 1_000;

async function run(quick: boolean): Promise<Found> {
  return withRegistry(quick, async ({ node, driver }) => {
    const child = new Child<ListenerMessage>(new URL('listeners-process.ts', import.meta.url), []);
    try {
      await child.next('ready');
      child.send({ listen: CLIENTS, url: node.url } satisfies ListenOrder);
      await child.next('listening');
      const wanted = quick ? 10 : 100;
      const rounds = await commitsAt(driver, COMMITS_PER_SECOND, (done) => done >= wanted);
      await delay(SETTLE_MS);
      const reported = child.next('heard');
      child.send({ report: true } satisfies ListenOrder);
      const heard = await reported;
      return judged(rounds, heard);
    } finally {
      await child.stop();
    }
  });
}

function judged(
  rounds: readonly TimedRound[],
  { times, lags, ended }: Extract<ListenerMessage, { type: 'heard' }>,
): Found {
  const [fromCommit, fromAnswer]: [number[], number[]] = [[], []];
  let missed = 0;
  for (const { committed, answeredAt } of rounds) {
    const heard = times[String(committed.version)] ?? [];
    missed += CLIENTS - heard.length;
    for (const at of heard) {
      fromCommit.push(at - Date.parse(committed.committed_at));
      fromAnswer.push(Math.max(0, at - answeredAt));
    }
  }
  const p95 = quantile(fromCommit, 0.95);
  say(
    `${rounds.length} commits to ${CLIENTS} clients: p95 ${p95.toFixed(1)} ms from the commit, ${quantile(fromAnswer, 0.95).toFixed(1)} ms from its answer; ${missed} missed, ${lags} told that they lag, ${ended} cut`,
  );
  return {
    cases: [
      single('sse_p95', 'ms', p95, fromCommit.length),
      { ...spread(`event, ${CLIENTS} clients, from committed_at`, 'ms', fromCommit), ...percentilesOf(fromCommit) },
      { ...spread(`event, ${CLIENTS} clients, from the answer`, 'ms', fromAnswer), ...percentilesOf(fromAnswer) },
    ],
    figures: { 'clients told that they lag': lags },
    goals: [
      { name: 'sse_p95_ms', measured: rounded(p95), is: 'at most', bound: P95_MS_MAX },
      { name: 'sse_events_missed', measured: missed, is: 'at most', bound: 0 },
      { name: 'sse_streams_cut', measured: ended, is: 'at most', bound: 0 },
    ],
  };
}

/** From a commit to the first byte of its event at each of a thousand clients. */
export const stream: Part = { name: 'stream', run };
