// What k6 says of a run while it runs: the events of its dashboard, one a period.
import { setTimeout as delay } from 'node:timers/promises';

/** One period of a run. */
export interface Moment {
  /** Unix milliseconds of its end. */
  readonly at: number;
  readonly requestsPerSecond: number;
  readonly p95Ms: number;
  /** Share of requests that were not answered rightly. */
  readonly failedShare: number;
  readonly users: number;
}

/** Aggregates of a trend in an event: avg, max, med, min, p(90), p(95), p(99). */
const P95_AT = 5;
const RETRY_MS = 200;

/**
 * Reads events of the dashboard. Values come without names, in the alphabetical order of all metrics announced so far.
 */
export class MomentReader {
  #names: string[] = [];

  /** One event; a moment where it closed a period. */
  read(event: string, data: string): Moment | undefined {
    if (event === 'metric') this.#announce(JSON.parse(data) as object);
    return event === 'snapshot' ? this.#moment(JSON.parse(data) as readonly (readonly number[])[]) : undefined;
  }

  #announce(metrics: object): void {
    this.#names = [...new Set([...this.#names, ...Object.keys(metrics)])].sort();
  }

  #moment(values: readonly (readonly number[])[]): Moment | undefined {
    const valueOf = (name: string, index: number): number => values[this.#names.indexOf(name)]?.[index] ?? 0;
    const at = valueOf('time', 0);
    if (at === 0) return undefined;
    return {
      at,
      requestsPerSecond: valueOf('http_reqs', 1),
      p95Ms: valueOf('http_req_duration', P95_AT),
      failedShare: valueOf('http_req_failed', 0),
      users: valueOf('vus', 0),
    };
  }
}

/** Follows the dashboard of a run from its start to its end, or until the signal; a dashboard that never answers says nothing. */
export async function followRun(url: string, signal: AbortSignal, onMoment: (moment: Moment) => void): Promise<void> {
  const reader = new MomentReader();
  while (!signal.aborted) {
    try {
      const response = await fetch(`${url}/events`, { signal });
      let event: string[] = [];
      for await (const line of linesOf(response)) {
        if (line !== '') {
          event.push(line);
          continue;
        }
        const [name, data] = [fieldOf(event, 'event'), fieldOf(event, 'data')];
        event = [];
        // k6 does not end before its last listener is gone.
        if (name === 'stop') return;
        const moment = reader.read(name, data);
        if (moment !== undefined) onMoment(moment);
      }
      return;
    } catch {
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

const fieldOf = (lines: readonly string[], name: string): string =>
  lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';

async function* linesOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  let left = '';
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (left + part).split('\n');
    left = lines.pop() ?? '';
    yield* lines;
  }
}

const QUIET_S = 10;

/** Shows moments: one line that is written over on a terminal, else a line every ten seconds. */
export class ProgressLine {
  readonly #startedAt = Date.now();
  #shownAt = 0;

  show({ at, requestsPerSecond, p95Ms, failedShare, users }: Moment): void {
    const seconds = Math.round((at - this.#startedAt) / 1_000);
    const line = `${seconds} s  ${requestsPerSecond.toFixed(0)} requests/s  p95 ${p95Ms.toFixed(1)} ms  ${(failedShare * 100).toFixed(2)} % failed  ${users} users busy`;
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
    else if (at - this.#shownAt >= QUIET_S * 1_000) {
      this.#shownAt = at;
      process.stderr.write(`> ${line}\n`);
    }
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}
