import type { Route } from '@macronode/contracts';
import { LatencyHistogram } from '../measure/histogram.ts';

const MICROS_PER_MS = 1_000;

/** What a load did and saw in one window, as plain numbers for another process. */
export interface LoadReport {
  readonly turns: number;
  readonly requests: number;
  /** Answers by `METHOD template status`; status 0 is no answer. */
  readonly answers: Readonly<Record<string, number>>;
  /** Requests whose status was not one of those that are right. */
  readonly failedRequests: number;
  /** Claims that did not hold, and turns that threw, by what they said. */
  readonly failedChecks: Readonly<Record<string, number>>;
  /** Open loop: turns that were due while every user was busy. */
  readonly droppedTurns: number;
  readonly elapsedMs: number;
  /** Counts of a LatencyHistogram by route, `METHOD template`, of right answers: refusals are quick, and must not make a node look fast. */
  readonly latencies: Readonly<Record<string, readonly number[]>>;
}

/** Counts what the users of one load loop did since it was last taken. */
export class LoadTally {
  #turns = 0;
  #requests = 0;
  #failedRequests = 0;
  #droppedTurns = 0;
  #answers = new Map<string, number>();
  #failedChecks = new Map<string, number>();
  #latencies = new Map<string, LatencyHistogram>();

  answered({ method, template }: Route, status: number, ms: number, isRight: boolean): void {
    this.#requests += 1;
    const name = `${method} ${template}`;
    const key = `${name} ${status}`;
    this.#answers.set(key, (this.#answers.get(key) ?? 0) + 1);
    if (!isRight) {
      this.#failedRequests += 1;
      return;
    }
    let histogram = this.#latencies.get(name);
    if (histogram === undefined) this.#latencies.set(name, (histogram = new LatencyHistogram()));
    histogram.record(ms * MICROS_PER_MS);
  }

  failed(what: string): void {
    this.#failedChecks.set(what, (this.#failedChecks.get(what) ?? 0) + 1);
  }

  turned(): void {
    this.#turns += 1;
  }

  dropped(): void {
    this.#droppedTurns += 1;
  }

  /** What was counted so far; counting begins anew. */
  take(elapsedMs: number): LoadReport {
    const report: LoadReport = {
      turns: this.#turns,
      requests: this.#requests,
      answers: Object.fromEntries(this.#answers),
      failedRequests: this.#failedRequests,
      failedChecks: Object.fromEntries(this.#failedChecks),
      droppedTurns: this.#droppedTurns,
      elapsedMs,
      latencies: Object.fromEntries([...this.#latencies].map(([route, one]) => [route, one.counts()])),
    };
    this.#turns = this.#requests = this.#failedRequests = this.#droppedTurns = 0;
    this.#answers = new Map();
    this.#failedChecks = new Map();
    this.#latencies = new Map();
    return report;
  }
}

/** Windows that followed each other, as one. */
export function joined(reports: readonly LoadReport[]): LoadReport {
  const total = (of: (report: LoadReport) => number): number => reports.reduce((sum, one) => sum + of(one), 0);
  const latencies = new Map<string, LatencyHistogram>();
  for (const [route, counts] of reports.flatMap((one) => Object.entries(one.latencies))) {
    const histogram = latencies.get(route) ?? new LatencyHistogram();
    histogram.add(counts);
    latencies.set(route, histogram);
  }
  return {
    turns: total(({ turns }) => turns),
    requests: total(({ requests }) => requests),
    answers: summed(reports.map(({ answers }) => answers)),
    failedRequests: total(({ failedRequests }) => failedRequests),
    failedChecks: summed(reports.map(({ failedChecks }) => failedChecks)),
    droppedTurns: total(({ droppedTurns }) => droppedTurns),
    elapsedMs: total(({ elapsedMs }) => elapsedMs),
    latencies: Object.fromEntries([...latencies].map(([route, one]) => [route, one.counts()])),
  };
}

function summed(all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const [key, count] of all.flatMap((one) => Object.entries(one))) sums[key] = (sums[key] ?? 0) + count;
  return sums;
}

/** Latencies of right answers, of all routes or of those that count. */
export function latenciesOf(
  { latencies }: LoadReport,
  counts: (route: string) => boolean = () => true,
): LatencyHistogram {
  const all = new LatencyHistogram();
  for (const [route, one] of Object.entries(latencies)) if (counts(route)) all.add(one);
  return all;
}
