import type { LoadReport } from '../load/load-tally.ts';
import type { Scrape } from '../measure/metrics.ts';
import type { Counts } from './recording.ts';

/** Refused at a full bound, or lost to a slow reader. */
const OVERFLOW_METRICS = ['bus_overflow_total', 'bus_lagged_total'] as const;

/** Adds up what the working tree answered to one flow, for its error budgets. */
export class FlowTally {
  #requests = 0;
  #serverErrors = 0;
  #rejects = 0;
  #busMessages = 0;
  #busOverflow = 0;
  #failedChecks = new Map<string, number>();

  get isEmpty(): boolean {
    return this.#requests === 0;
  }

  /** The windows of one round, with what the node showed before and after them. */
  add(reports: readonly LoadReport[], before: Scrape, after: Scrape): void {
    for (const report of reports) {
      this.#requests += report.requests;
      for (const [key, count] of Object.entries(report.answers)) {
        const status = Number(key.split(' ').at(-1));
        if (status === 429 || status === 503) this.#rejects += count;
        else if (status === 0 || status >= 500) this.#serverErrors += count;
      }
      for (const [what, count] of Object.entries(report.failedChecks)) {
        this.#failedChecks.set(what, (this.#failedChecks.get(what) ?? 0) + count);
      }
    }
    const grown = (name: string): number => Math.max(0, after.total(name) - before.total(name));
    this.#busMessages += grown('bus_requests_total');
    this.#busOverflow += OVERFLOW_METRICS.reduce((sum, name) => sum + grown(name), 0);
  }

  counts(): Counts {
    return {
      requests: this.#requests,
      serverErrors: this.#serverErrors,
      rejects: this.#rejects,
      failedChecks: Object.fromEntries(this.#failedChecks),
      busMessages: this.#busMessages,
      busOverflow: this.#busOverflow,
    };
  }
}
