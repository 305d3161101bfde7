import type { Declaration } from '@macronode/metrics';
import { DECLARED } from '../declared.ts';
import { EXTERNAL, type ExternalSeries } from '../external.ts';
import { LABELS_OF_RECORDED } from '../recorded-labels.ts';

/** Labels the scraper adds to every series of ours. */
const SCRAPED = ['job', 'instance', 'service'] as const;

/** Every series a query may name. A drill changes a copy of it. */
export interface Catalogue {
  readonly declared: ReadonlyMap<string, Declaration>;
  readonly recorded: ReadonlyMap<string, readonly string[]>;
  readonly external: Readonly<Record<string, ExternalSeries>>;
}

export const CATALOGUE: Catalogue = Object.freeze({
  declared: DECLARED,
  recorded: LABELS_OF_RECORDED,
  external: EXTERNAL,
});

/** A series as a query names it. */
export interface KnownSeries {
  readonly kind: 'counter' | 'gauge' | 'bucket' | 'part' | 'recorded' | 'external';
  readonly labels: readonly string[];
  /** Of a series of ours. */
  readonly declaration?: Declaration;
}

const labelsOf = (declaration: Declaration): readonly string[] => [...SCRAPED, ...Object.keys(declaration.labels)];

function ofHistogram({ declared }: Catalogue, name: string): KnownSeries | undefined {
  const suffix = /_(bucket|sum|count)$/.exec(name);
  const declaration = suffix === null ? undefined : declared.get(name.slice(0, suffix.index));
  if (declaration?.type !== 'histogram') return undefined;
  return suffix?.[1] === 'bucket'
    ? { kind: 'bucket', labels: [...labelsOf(declaration), 'le'], declaration }
    : { kind: 'part', labels: labelsOf(declaration), declaration };
}

/** What a name in a query stands for; nothing when nobody declares it. A histogram has no series of its own name. */
export function seriesOf(catalogue: Catalogue, name: string): KnownSeries | undefined {
  const declaration = catalogue.declared.get(name);
  if (declaration !== undefined && declaration.type !== 'histogram') {
    return { kind: declaration.type, labels: labelsOf(declaration), declaration };
  }
  const recorded = catalogue.recorded.get(name);
  if (recorded !== undefined) return { kind: 'recorded', labels: recorded };
  const external = catalogue.external[name];
  if (external !== undefined) {
    return { kind: external.type === 'counter' ? 'counter' : 'external', labels: external.labels };
  }
  return ofHistogram(catalogue, name);
}
