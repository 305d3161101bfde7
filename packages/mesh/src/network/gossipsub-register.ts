import {
  type CounterCell,
  type Declaration,
  type HandlesOf,
  type GaugeCell,
  type HistogramCell,
  type LabelledCounter,
  type LabelledGauge,
  type LabelledHistogram,
  type LabelSpecs,
} from '@macronode/metrics';
import type { GossipsubOpts } from '@libp2p/gossipsub';
import { AVG_MIN_MAX, GOSSIPSUB_LEFT_OUT, gossipsubMetrics, OTHER } from '../gossipsub-metrics.ts';
import { TOPICS } from './topics.ts';

type MetricsRegister = NonNullable<GossipsubOpts['metricsRegister']>;
type Handles = HandlesOf<Readonly<Record<string, Declaration>>>;
type Labels = Readonly<Record<string, string | number>>;

interface Adding {
  inc(n?: number): void;
}

/** What gossipsub calls of a metric. Its labels come first, and are left out where there are none. */
interface Recorder {
  inc(labels?: Labels | number, n?: number): void;
  set(labels: Labels | number | readonly number[], value?: number | readonly number[]): void;
  observe(labels: Labels | number, value?: number): void;
  startTimer(): () => void;
  reset(): void;
  addCollect(collect: () => void): void;
}

const SILENT: Recorder = Object.freeze({
  inc: () => undefined,
  set: () => undefined,
  observe: () => undefined,
  startTimer: () => () => undefined,
  reset: () => undefined,
  addCollect: () => undefined,
});

/** gossipsub registered a metric this build knows nothing of: another version is installed. */
class UnknownGossipsubMetric extends Error {
  override readonly name = 'UnknownGossipsubMetric';
  constructor(metric: string) {
    super(`gossipsub registers ${metric}, which is neither declared nor left out`);
  }
}

/** gossipsub has one label where it is frequent, so that a cell is found with one look into a map. */
function cellsByValue<C>(declaration: Declaration, cellOf: (labels: Readonly<Record<string, string>>) => C) {
  const [[label, spec] = [undefined, undefined]] = Object.entries(declaration.labels);
  if (label === undefined || spec === undefined || 'max' in spec) return undefined;
  const cells = new Map<string | number, C>(spec.map((value) => [value, cellOf({ [label]: value })]));
  const other = cells.get(OTHER);
  if (other === undefined) throw new UnknownGossipsubMetric(declaration.name);
  if (label === 'topic') {
    for (const [topic, kind] of TOPICS) cells.set(topic, cells.get(kind) ?? other);
  }
  return (labels: Labels): C => {
    for (const key in labels) return cells.get(labels[key] ?? OTHER) ?? other;
    return other;
  };
}

/**
 * gossipsub's metrics over cells: what it counts costs an addition, not a walk through labels. What it reads at a scrape
 * (sizes of its tables, scores) is read by {@link GossipsubRegister.collect}, in the mesh thread and at its own pace.
 */
export class GossipsubRegister {
  readonly topicLabels: Map<string, string> = new Map(TOPICS);
  readonly #handles: Handles;
  readonly #collects: (() => void)[] = [];
  readonly #gauges: GaugeCell[] = [];

  /** `handles` are those of {@link gossipsubMetrics}; its gauges begin anew, its counters count on. */
  constructor(handles: Handles) {
    this.#handles = handles;
  }

  /** Reads what gossipsub shows at a scrape only. */
  collect(): void {
    for (const collect of this.#collects) collect();
  }

  /** The node has stopped: what its gauges showed is no more. */
  clear(): void {
    for (const cell of this.#gauges) cell.set(0);
  }

  get register(): MetricsRegister {
    // gossipsub's types tell labels apart per metric; a recorder takes them all.
    return {
      gauge: ({ name }: { name: string }) => this.#recorder(name),
      histogram: ({ name }: { name: string }) => this.#recorder(name),
      avgMinMax: ({ name }: { name: string }) => this.#avgMinMax(name),
    } as unknown as MetricsRegister;
  }

  #recorder(name: string): Recorder {
    if (Object.hasOwn(GOSSIPSUB_LEFT_OUT, name)) return SILENT;
    const declaration = gossipsubMetrics[name];
    const handle = this.#handles[name];
    if (declaration === undefined || handle === undefined) throw new UnknownGossipsubMetric(name);
    if (declaration.type === 'histogram') return histogramOver(declaration, handle);
    if (declaration.type === 'gauge') return this.#gaugeOver(declaration, handle);
    return counterOver(declaration, handle);
  }

  #gaugeOver(declaration: Declaration, handle: unknown): Recorder {
    const cellOf = this.#gaugeCells(declaration, handle);
    return {
      ...adding(cellOf),
      set: (labels, value) => {
        if (typeof labels === 'number') cellOf({}).set(labels);
        else if (typeof value === 'number') cellOf(labels as Labels).set(value);
      },
      addCollect: (collect) => this.#collects.push(collect),
    };
  }

  /** A thread that died left its gauges as they were: they begin at 0. */
  #gaugeCells(declaration: Declaration, handle: unknown): (labels: Labels) => GaugeCell {
    const begun = (cell: GaugeCell): GaugeCell => {
      this.#gauges.push(cell);
      cell.set(0);
      return cell;
    };
    const labelled = handle as LabelledGauge<LabelSpecs>;
    const find = cellsByValue(declaration, (labels) => begun(labelled.cell(labels)));
    if (find !== undefined) return find;
    const only = begun(handle as GaugeCell);
    return () => only;
  }

  #avgMinMax(name: string): Recorder {
    if (Object.hasOwn(GOSSIPSUB_LEFT_OUT, name)) return SILENT;
    const parts = AVG_MIN_MAX.map((part) => {
      const declaration = gossipsubMetrics[`${name}_${part}`];
      const handle = this.#handles[`${name}_${part}`];
      if (declaration === undefined || handle === undefined) throw new UnknownGossipsubMetric(name);
      return this.#gaugeCells(declaration, handle);
    });
    return {
      ...SILENT,
      set: (labels, values) => {
        const [of, all] = Array.isArray(labels)
          ? [{}, labels as readonly number[]]
          : [labels as Labels, values as readonly number[]];
        const figures = avgMinMaxOf(all);
        parts.forEach((cellOf, part) => cellOf(of).set(figures[part] ?? 0));
      },
    };
  }
}

function avgMinMaxOf(values: readonly number[]): readonly [number, number, number] {
  if (values.length === 0) return [0, 0, 0];
  let [sum, min, max] = [0, Infinity, -Infinity];
  for (const value of values) {
    sum += value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return [sum / values.length, min, max];
}

function adding(cellOf: (labels: Labels) => Adding): Recorder {
  return {
    ...SILENT,
    inc: (labels, n) => {
      if (typeof labels === 'object') cellOf(labels).inc(n);
      else cellOf({}).inc(labels);
    },
  };
}

function counterOver(declaration: Declaration, handle: unknown): Recorder {
  const find = cellsByValue(declaration, (labels) => (handle as LabelledCounter<LabelSpecs>).cell(labels));
  return adding(find ?? (() => handle as CounterCell));
}

function histogramOver(declaration: Declaration, handle: unknown): Recorder {
  const find = cellsByValue(declaration, (labels) => (handle as LabelledHistogram<LabelSpecs>).cell(labels));
  const cellOf = find ?? (() => handle as HistogramCell);
  const observe = (labels: Labels | number, value?: number): void => {
    if (typeof labels === 'number') cellOf({}).observe(labels);
    else if (value !== undefined) cellOf(labels).observe(value);
  };
  return {
    ...SILENT,
    observe,
    startTimer: () => {
      const startedAt = performance.now();
      return () => observe((performance.now() - startedAt) / 1_000);
    },
  };
}
