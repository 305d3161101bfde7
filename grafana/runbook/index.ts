import { budgetEntries } from './alerts/budgets.ts';
import { busEntries } from './alerts/bus.ts';
import { dataEntries } from './alerts/data.ts';
import { edgeEntries } from './alerts/edge.ts';
import { meshEntries } from './alerts/mesh.ts';
import { processEntries } from './alerts/processes.ts';
import { registryEntries } from './alerts/registry.ts';
import { targetEntries } from './alerts/targets.ts';
import type { RunbookEntry } from './entry.ts';
import { callerErrors } from './errors/caller.ts';
import { nodeErrors } from './errors/node.ts';
import { registryErrors } from './errors/registry.ts';

/** Headings of alerts, in the order they are read. */
export const ALERT_ENTRIES: Readonly<Record<string, RunbookEntry>> = {
  ...budgetEntries,
  ...targetEntries,
  ...processEntries,
  ...busEntries,
  ...dataEntries,
  ...registryEntries,
  ...meshEntries,
  ...edgeEntries,
};

/** Headings of error codes, in the order of their statuses. */
export const ERROR_ENTRIES: Readonly<Record<string, RunbookEntry>> = {
  ...callerErrors,
  ...registryErrors,
  ...nodeErrors,
};

/** The runbook, by heading. */
export const RUNBOOK: ReadonlyMap<string, RunbookEntry> = new Map([
  ...Object.entries(ALERT_ENTRIES),
  ...Object.entries(ERROR_ENTRIES),
]);

/** A question of the runbook: its heading, its place among the steps, and the query. */
export interface RunbookQuery {
  readonly heading: string;
  /** From 0. */
  readonly step: number;
  readonly query: string;
}

/** Every query of the runbook: each is executed by the tests. */
export const runbookSteps = (): readonly RunbookQuery[] =>
  [...RUNBOOK].flatMap(([heading, { steps }]) =>
    steps.flatMap(({ query }, step) => (query === undefined ? [] : [{ heading, step, query }])),
  );
