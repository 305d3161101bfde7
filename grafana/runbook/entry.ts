/** One thing to do. A step that asks Prometheus or the command line says what to expect, so that it can be run by a machine. */
export interface RunbookStep {
  readonly say: string;
  /** PromQL, complete: it is executed against a live Prometheus. */
  readonly query?: string;
  /** A command as it is typed. */
  readonly command?: string;
  /** What the answer tells, for people. */
  readonly expect?: string;
}

/** A heading of the runbook: an alert, or an error code a user can see. */
export interface RunbookEntry {
  /** What happened, in a sentence or two. */
  readonly meaning: string;
  /** From the first look to the diagnosis, in order. */
  readonly steps: readonly RunbookStep[];
  /** How it is mended, per diagnosis. */
  readonly mend: readonly string[];
}

/** The anchor of a heading, as GitHub makes it. */
export const anchorOf = (heading: string): string => heading.toLowerCase().replace(/[^a-z0-9_-]+/g, '-');

/** Where the runbook is read. */
export const runbookUrl = (heading: string): string =>
  `https://github.com/macronode/macronode/blob/main/docs/runbook.md#${anchorOf(heading)}`;
