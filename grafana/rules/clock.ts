/** What the rules are compiled for: how long the budget of an objective lasts, and how often series are scraped. */
export interface RuleClock {
  /** Window of every objective, in seconds. */
  readonly windowSeconds: number;
  /** Interval of scrapes and of the evaluation of rules, in seconds. */
  readonly scrapeSeconds: number;
}

const DAY = 86_400;

/** Four weeks: every window holds whole weeks, so that weekends weigh alike. */
export const REAL_CLOCK: RuleClock = Object.freeze({ windowSeconds: 28 * DAY, scrapeSeconds: 5 });

/** A day for a demonstration: a budget burns, pages and recovers within minutes. */
export const DEMO_CLOCK: RuleClock = Object.freeze({ windowSeconds: DAY, scrapeSeconds: 2 });

/** A rate needs two samples; four survive a missed scrape, and are what Grafana's `$__rate_interval` asks for. */
export const SCRAPES_MIN = 4;

/** Seconds of a window of an objective: scaled with the budget, whole, never less than four scrapes. */
export const windowSeconds = ({ windowSeconds: budget, scrapeSeconds }: RuleClock, real: number): number =>
  Math.max(SCRAPES_MIN * scrapeSeconds, Math.round((real * budget) / REAL_CLOCK.windowSeconds));

/** Seconds of a range over which a cause is measured: as many scrapes on every clock, never less than four. */
export const rangeSeconds = ({ scrapeSeconds }: RuleClock, real: number): number =>
  Math.max(SCRAPES_MIN * scrapeSeconds, Math.round((real * scrapeSeconds) / REAL_CLOCK.scrapeSeconds));

/** Seconds an alert waits before it fires or keeps firing: scaled like what it waits for. */
export const waitSeconds = (clock: RuleClock, scale: 'budget' | 'scrape', real: number): number =>
  Math.round(
    scale === 'budget'
      ? (real * clock.windowSeconds) / REAL_CLOCK.windowSeconds
      : (real * clock.scrapeSeconds) / REAL_CLOCK.scrapeSeconds,
  );
