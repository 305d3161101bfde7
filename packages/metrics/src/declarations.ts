/** What a number is measured in. `count` needs a name that ends in the plural of what is counted. */
export type Unit = 'seconds' | 'bytes' | 'ratio' | 'count' | 'state' | 'info' | 'value';

/** A label whose values are known only at run time, kept small: past `max` distinct values the rest are `other`. */
export interface BoundedLabel {
  readonly max: number;
  readonly reason: string;
}

/** The values a label may take: a closed list (the rule), or a bounded open set (the exception, with its reason). */
export type LabelSpec = readonly string[] | BoundedLabel;
export type LabelSpecs = Readonly<Record<string, LabelSpec>>;

/** Without labels. `keyof NoLabels` is never, so handles of such a metric take no labels at all. */
export type NoLabels = Readonly<Record<never, LabelSpec>>;

/** The label values one series is addressed by: every label, each from its closed union. */
export type LabelValues<L extends LabelSpecs> = {
  readonly [K in keyof L]: L[K] extends readonly (infer V extends string)[] ? V : string;
};

interface Base<L extends LabelSpecs> {
  readonly name: string;
  readonly help: string;
  readonly unit: Unit;
  readonly labels: L;
  /** Every combination of labels is exposed as 0 from the start, so that `rate()` sees the first event. */
  readonly zeroFill: boolean;
}

export interface CounterDeclaration<L extends LabelSpecs = LabelSpecs> extends Base<L> {
  readonly type: 'counter';
}
export interface GaugeDeclaration<L extends LabelSpecs = LabelSpecs> extends Base<L> {
  readonly type: 'gauge';
}
export interface HistogramDeclaration<L extends LabelSpecs = LabelSpecs> extends Base<L> {
  readonly type: 'histogram';
  /** Upper edges, inclusive, ascending, without +Inf. */
  readonly buckets: readonly number[];
  readonly bucketsReason: string;
}
export type Declaration = CounterDeclaration | GaugeDeclaration | HistogramDeclaration;

/** What every declaration is made from. `unit` is read off the name when left out. */
export interface MetricOptions<L extends LabelSpecs> {
  readonly name: string;
  readonly help: string;
  readonly unit?: Unit;
  readonly labels?: L;
  readonly zeroFill?: boolean;
}
/** Overloads tell the two apart, else a declaration written inline would take its labels from the context. */
export type Unlabelled<O> = Omit<O, 'labels'> & { readonly labels?: never };
export type Labelled<L extends LabelSpecs, O> = O & { readonly labels: L };
export interface HistogramOptions<L extends LabelSpecs> extends MetricOptions<L> {
  readonly buckets: readonly number[];
  /** Why these edges: which objective or which expectation each serves. */
  readonly bucketsReason: string;
}

/** A declaration that breaks the naming or label rules: a defect of the program, found when the module is loaded. */
export class MetricDeclarationError extends Error {
  override readonly name = 'MetricDeclarationError';
  constructor(metric: string, problem: string) {
    super(`metric ${metric}: ${problem}`);
  }
}

/**
 * Series one declaration may expand to in one scope. A scrape of 10,000 series takes about 60 ms, and label
 * combinations that never happen make no series, so this is the outer bound, not the expectation.
 */
export const MAX_SERIES = 10_000;

const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
/** `service` is added by the scope, `le` and `quantile` by the format, `job` and `instance` by the scraper. */
const RESERVED_LABELS = new Set(['service', 'le', 'quantile', 'job', 'instance']);
/** A label per id, address or URL has no bound. */
const UNBOUNDED_LABEL = /(^|_)(id|ids|token|url|ip|peer|address|digest)$/;
const SUFFIX_UNITS: readonly Unit[] = ['seconds', 'bytes', 'ratio', 'state', 'info', 'value'];
/** Names fixed by convention outside this project, or counts that have no plural. */
const COUNT_NAMES = /(s|s_per_[a-z]+|_depth|_rf|_inflight|_amplification|_running)$/;

function unitOf(name: string): Unit {
  const stem = name.endsWith('_total') ? name.slice(0, -'_total'.length) : name;
  return SUFFIX_UNITS.find((unit) => stem.endsWith(`_${unit}`)) ?? 'count';
}

function checkName(type: Declaration['type'], name: string, unit: Unit): void {
  if (!NAME.test(name)) throw new MetricDeclarationError(name, 'names are lower snake_case');
  const total = name.endsWith('_total');
  if (type === 'counter' && !total) throw new MetricDeclarationError(name, 'a counter ends in _total');
  if (type !== 'counter' && total) throw new MetricDeclarationError(name, 'only a counter ends in _total');
  const stem = total ? name.slice(0, -'_total'.length) : name;
  if (unit !== 'count' && !stem.endsWith(`_${unit}`)) {
    throw new MetricDeclarationError(name, `its unit is ${unit}, so it ends in _${unit}`);
  }
  if (unit === 'count' && !total && !COUNT_NAMES.test(stem)) {
    throw new MetricDeclarationError(name, 'ends neither in a unit nor in the plural of what it counts');
  }
}

function checkLabels(name: string, labels: LabelSpecs): void {
  let series = 1;
  for (const [label, spec] of Object.entries(labels)) {
    const values = 'max' in spec ? spec.max : new Set(spec).size;
    if (!NAME.test(label) || RESERVED_LABELS.has(label))
      throw new MetricDeclarationError(name, `label ${label} is reserved`);
    if (UNBOUNDED_LABEL.test(label))
      throw new MetricDeclarationError(name, `label ${label} has no bound: ids go to the log`);
    if (values === 0) throw new MetricDeclarationError(name, `label ${label} has no values`);
    if (!('max' in spec) && values !== spec.length)
      throw new MetricDeclarationError(name, `label ${label} repeats a value`);
    series *= values;
  }
  if (series > MAX_SERIES) {
    throw new MetricDeclarationError(name, `expands to ${series} series, at most ${MAX_SERIES} are allowed`);
  }
}

function base(type: Declaration['type'], options: MetricOptions<LabelSpecs>): Base<LabelSpecs> {
  const unit = options.unit ?? unitOf(options.name);
  const labels = options.labels ?? {};
  checkName(type, options.name, unit);
  checkLabels(options.name, labels);
  if (options.help.trim() === '') throw new MetricDeclarationError(options.name, 'help is empty');
  return { name: options.name, help: options.help, unit, labels, zeroFill: options.zeroFill ?? false };
}

/** A label whose values come at run time, at most `max` of them. Prefer a closed list. */
export const bounded = (max: number, reason: string): BoundedLabel => Object.freeze({ max, reason });

/** Declares a counter. Throws MetricDeclarationError when it breaks a rule. */
export function counter(options: Unlabelled<MetricOptions<NoLabels>>): CounterDeclaration<NoLabels>;
export function counter<const L extends LabelSpecs>(options: Labelled<L, MetricOptions<L>>): CounterDeclaration<L>;
export function counter(options: MetricOptions<LabelSpecs>): CounterDeclaration {
  return Object.freeze({ type: 'counter', ...base('counter', options) });
}

/** Declares a gauge. A gauge whose value is NaN is left out of the scrape: unknown is absent, not zero. */
export function gauge(options: Unlabelled<MetricOptions<NoLabels>>): GaugeDeclaration<NoLabels>;
export function gauge<const L extends LabelSpecs>(options: Labelled<L, MetricOptions<L>>): GaugeDeclaration<L>;
export function gauge(options: MetricOptions<LabelSpecs>): GaugeDeclaration {
  return Object.freeze({ type: 'gauge', ...base('gauge', options) });
}

/** Declares a histogram with fixed buckets, each list with its reason. */
export function histogram(options: Unlabelled<HistogramOptions<NoLabels>>): HistogramDeclaration<NoLabels>;
export function histogram<const L extends LabelSpecs>(
  options: Labelled<L, HistogramOptions<L>>,
): HistogramDeclaration<L>;
export function histogram(options: HistogramOptions<LabelSpecs>): HistogramDeclaration {
  const common = base('histogram', options);
  const { buckets, bucketsReason } = options;
  if (buckets.length === 0 || !buckets.every(Number.isFinite)) {
    throw new MetricDeclarationError(options.name, 'buckets are finite numbers, at least one');
  }
  if (buckets.some((edge, i) => i > 0 && edge <= (buckets[i - 1] ?? -Infinity))) {
    throw new MetricDeclarationError(options.name, 'buckets ascend');
  }
  if (bucketsReason.trim() === '') throw new MetricDeclarationError(options.name, 'bucketsReason is empty');
  return Object.freeze({ type: 'histogram', ...common, buckets: Object.freeze([...buckets]), bucketsReason });
}
