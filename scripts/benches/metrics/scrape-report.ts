/** Of each scrape, in ms. */
export interface ScrapeReport {
  readonly type: 'scraped';
  /** The longest time the event loop had no turn. */
  readonly blockedMs: readonly number[];
  readonly totalMs: readonly number[];
  /** How long the loop has no turn when prom-client alone keeps and renders the same series. */
  readonly wholeMs: readonly number[];
}
