// What a rate says of a window, turned back into what its counters counted.
import type { OwnPrometheus } from '../prometheus.ts';

/** Prometheus reaches to the end of a window when it lies no farther from a sample than so many intervals. */
const REACH_INTERVALS = 1.1;

/**
 * Seconds a rate over this window has to be multiplied with to give the exact increase of a counter between its first
 * and its last sample: a rate is the increase, stretched to the ends of its window, over the window.
 * Holds for counters that were not near 0 when the window began.
 */
export function secondsCounted(samples: readonly number[], from: number, to: number): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || samples.length < 2) throw new Error('a rate takes two samples');
  const sampled = last - first;
  const interval = sampled / (samples.length - 1);
  const reach = (gap: number): number => (gap < REACH_INTERVALS * interval ? gap : interval / 2);
  return ((to - from) * sampled) / (sampled + reach(first - from) + reach(to - last));
}

/** Times at which a service was scraped in a window, in Unix seconds. */
export async function scrapesOf(
  prometheus: OwnPrometheus,
  service: string,
  from: number,
  to: number,
): Promise<readonly number[]> {
  const { series } = await prometheus.query(`up{service="${service}"}[${to - from}s]`, to);
  return series[0]?.values?.map(([at]) => at) ?? [];
}
