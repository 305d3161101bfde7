import type { ServiceName } from '@macronode/contracts';
import type { CounterDeclaration, GaugeDeclaration, HistogramDeclaration } from '@macronode/metrics';
import { RECORDED_LABELS } from './recorded-labels.ts';
import { RECORDED } from './rules/recorded.ts';

/** Queries of a board. `by` is a list of labels as PromQL writes it, `extra` are matchers beside those of the board. */
export interface Series {
  /** A scraped gauge as it is, one series per process and label. */
  readonly raw: (metric: GaugeDeclaration, extra?: string) => string;
  /** Per-second rate of a counter, summed by labels. */
  readonly rate: (metric: CounterDeclaration, by: string, extra?: string) => string;
  /** A gauge, summed by labels. */
  readonly sum: (metric: GaugeDeclaration, by: string, extra?: string) => string;
  /** A gauge, its highest value by labels. */
  readonly max: (metric: GaugeDeclaration, by: string, extra?: string) => string;
  /** A gauge, its lowest value by labels. */
  readonly min: (metric: GaugeDeclaration, by: string, extra?: string) => string;
  /** A quantile of a histogram, aggregated before it is taken. No data without observations: NaN is below nothing. */
  readonly quantile: (q: number, metric: HistogramDeclaration, by?: string, extra?: string) => string;
  /** Observations per second in each bucket: what a heatmap draws. */
  readonly buckets: (metric: HistogramDeclaration, by?: string, extra?: string) => string;
  /** Observations per second. */
  readonly observed: (metric: HistogramDeclaration, by?: string, extra?: string) => string;
  /** Mean of a histogram: sum over count. No data without observations. */
  readonly mean: (metric: HistogramDeclaration, by: string) => string;
  /** A recorded series, narrowed by those variables of the board whose labels it carries. */
  readonly recorded: (key: keyof typeof RECORDED, extra?: string) => string;
}

const RANGE = '[$__rate_interval]';

const aggregate = (operator: string, by: string): string => (by === '' ? operator : `${operator} by (${by})`);

const ofServices = (service: ServiceName | readonly ServiceName[] | undefined): string => {
  if (service === undefined) return 'service=~"$service"';
  return typeof service === 'string' ? `service="${service}"` : `service=~"${service.join('|')}"`;
};

/**
 * Selectors carry the variables of the board. A board of one service has no `$service`, it names the service, or those that
 * answer for it; a board of all services that shows one of them asks for every instance of it, whichever the board has chosen.
 */
export function series(service?: ServiceName | readonly ServiceName[], { everyInstance = false } = {}): Series {
  const ofService = ofServices(service);
  const ofInstance = everyInstance ? [] : ['instance=~"$instance"'];
  const scraped = ['job=~"$job"', ofService, ...ofInstance].join(',');
  const selector = (name: string, extra: string): string =>
    `${name}{${extra === '' ? scraped : `${scraped},${extra}`}}`;
  const gauge = (operator: string, { name }: GaugeDeclaration, by: string, extra: string): string =>
    `${aggregate(operator, by)} (${selector(name, extra)})`;
  const rateOf = (name: string, by: string, extra: string): string =>
    `${aggregate('sum', by)} (rate(${selector(name, extra)}${RANGE}))`;
  const buckets = ({ name }: HistogramDeclaration, by: string, extra: string): string =>
    rateOf(`${name}_bucket`, by === '' ? 'le' : `le, ${by}`, extra);
  return {
    raw: ({ name }, extra = '') => selector(name, extra),
    rate: ({ name }, by, extra = '') => rateOf(name, by, extra),
    sum: (metric, by, extra = '') => gauge('sum', metric, by, extra),
    max: (metric, by, extra = '') => gauge('max', metric, by, extra),
    min: (metric, by, extra = '') => gauge('min', metric, by, extra),
    quantile: (q, metric, by = '', extra = '') => `histogram_quantile(${q}, ${buckets(metric, by, extra)}) >= 0`,
    buckets: (metric, by = '', extra = '') => buckets(metric, by, extra),
    observed: ({ name }, by = '', extra = '') => rateOf(`${name}_count`, by, extra),
    mean: ({ name }, by) => `${rateOf(`${name}_sum`, by, '')} / (${rateOf(`${name}_count`, by, '')} > 0)`,
    recorded: (key, extra = '') => {
      const labels: readonly string[] = RECORDED_LABELS[key];
      const narrowed = [
        ...(labels.includes('service') ? [ofService] : []),
        ...(labels.includes('instance') ? ofInstance : []),
        ...(extra === '' ? [] : [extra]),
      ];
      return `${RECORDED[key]}{${narrowed.join(',')}}`;
    },
  };
}

/** `part` over `whole`: 0 while no part was ever counted, no data instead of 0/0 without traffic. */
export const ratio = (part: string, whole: string): string => `((${part}) or (${whole}) * 0) / (${whole} > 0)`;

/** The highest `count` series at each moment, so that a panel stays readable. */
export const top = (count: number, expr: string): string => `topk(${count}, ${expr})`;
