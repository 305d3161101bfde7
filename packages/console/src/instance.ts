import { Readiness, Version } from '@macronode/contracts';
import { z } from 'zod';
import { readSamples } from './exposition.ts';
import type { Instance, ServiceValues } from './history/state.ts';
import { keyOf, type Reading } from './history/reading.ts';

/** The three answers of one ops port. */
export interface OpsAnswers {
  readonly readiness: unknown;
  readonly version: unknown;
  readonly metrics: string;
}

/** A process of several services lists each; one of a single service is itself the list. */
const NodeReadiness = Readiness.extend({ services: z.array(Readiness).optional() });

const START = 'process_start_time_seconds';

/** The values of every reading, by service: series are added up over all labels but the one a reading keeps. */
function readValues(metrics: string, readings: readonly Reading[]): readonly ServiceValues[] {
  const byMetric = Map.groupBy(readings, ({ metric }) => metric);
  const services = new Map<string, Record<string, Record<string, number>>>();
  for (const { name, labels, value } of readSamples(metrics, byMetric)) {
    // A gauge that cannot be read is NaN: there is nothing to show.
    if (!Number.isFinite(value)) continue;
    const service = labels['service'] ?? '';
    let values = services.get(service);
    if (values === undefined) services.set(service, (values = {}));
    for (const reading of byMetric.get(name) ?? []) {
      if (Object.entries(reading.except ?? {}).some(([label, excluded]) => labels[label] === excluded)) continue;
      const sums = (values[keyOf(reading)] ??= {});
      const label = reading.by === undefined ? '' : (labels[reading.by] ?? '');
      sums[label] = (sums[label] ?? 0) + value;
    }
  }
  return [...services].map(([service, values]) => ({ service, values }));
}

/** Start of the process, in seconds of Unix time; null when the scrape does not say. */
function startedAt(metrics: string): number | null {
  for (const { value } of readSamples(metrics, new Set([START]))) return value;
  return null;
}

/** One process that answered. Throws when an answer is not what the ops port of a service says. */
export function readInstance(
  named: Pick<Instance, 'id' | 'name' | 'at'>,
  answers: OpsAnswers,
  readings: readonly Reading[],
): Instance {
  const { services, ...own } = NodeReadiness.parse(answers.readiness);
  return {
    ...named,
    problem: null,
    version: Version.parse(answers.version),
    started_at: startedAt(answers.metrics),
    readiness: services ?? [own],
    services: readValues(answers.metrics, readings),
  };
}

/** One process that did not answer. */
export function lostInstance(named: Pick<Instance, 'id' | 'name' | 'at'>, problem: string): Instance {
  return { ...named, problem, version: null, started_at: null, readiness: [], services: [] };
}
