import type { MetricsRegistry } from '@macronode/metrics';

/** Values of a registry by series, as a scrape would show them: `bus_overflow_total{service="x",gate="stream"}`. */
export async function readSeries(registry: MetricsRegistry): Promise<ReadonlyMap<string, number>> {
  const series = new Map<string, number>();
  for (const line of (await registry.render()).split('\n')) {
    const split = line.lastIndexOf(' ');
    if (split > 0 && !line.startsWith('#')) series.set(line.slice(0, split), Number(line.slice(split + 1)));
  }
  return series;
}

/** Sums the series of one metric by one of its labels; by '' without a label. */
export function sumBy(series: ReadonlyMap<string, number>, metric: string, label?: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, value] of series) {
    if (name !== metric && !name.startsWith(`${metric}{`)) continue;
    const key = label === undefined ? '' : (new RegExp(`[{,]${label}="([^"]*)"`).exec(name)?.[1] ?? '');
    sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}
