import { CounterCell, type Exemplar, GaugeCell, HistogramCell } from './cells.ts';
import type { Declaration, LabelSpec } from './declarations.ts';
import { CounterByLabels, GaugeByLabels, HistogramByLabels } from './handles.ts';
import { SINK_SLOT, type Slab } from './slab.ts';

type Cell = CounterCell | GaugeCell | HistogramCell;
type Labels = Readonly<Record<string, string>>;

/** A line of the exposition, in the shape prom-client renders. `sharedLabels` is flattened once per object and kept. */
export interface Sample {
  readonly metricName?: string;
  readonly labels?: Readonly<Record<string, string | number>>;
  readonly sharedLabels: Labels;
  readonly value: number;
  /** Shown in OpenMetrics only. */
  readonly exemplar?: Exemplar | undefined;
}

interface Series {
  readonly labels: Labels;
  readonly cell: Cell;
}

interface LabelNode {
  readonly children: Map<string, LabelNode>;
  cell: Cell | undefined;
}

const node = (): LabelNode => ({ children: new Map(), cell: undefined });

/** The value to count `value` under, or undefined when the declaration does not know it. */
function admit(spec: LabelSpec, value: string, seen: ReadonlyMap<string, unknown>): string | undefined {
  if (!('max' in spec)) return spec.includes(value) ? value : undefined;
  return seen.has(value) || seen.size < spec.max - 1 ? value : 'other';
}

/** All series of one metric name, over all scopes of a registry. */
export class Family {
  readonly declaration: Declaration;
  readonly name: string;
  readonly help: string;
  readonly type: Declaration['type'];
  readonly aggregator = 'sum';
  readonly #slab: Slab;
  readonly #edges: Float64Array;
  readonly #series: Series[] = [];
  readonly #failed: () => void;

  constructor(declaration: Declaration, slab: Slab, failed: () => void) {
    this.declaration = declaration;
    this.name = declaration.name;
    this.help = declaration.help;
    this.type = declaration.type;
    this.#slab = slab;
    this.#edges = Float64Array.from(declaration.type === 'histogram' ? declaration.buckets : []);
    this.#failed = failed;
  }

  /** True when `other` may share this name: same kind, same meaning, same labels by name. */
  matches(other: Declaration): boolean {
    const own = this.declaration;
    return (
      own.type === other.type &&
      own.help === other.help &&
      own.unit === other.unit &&
      String(Object.keys(own.labels)) === String(Object.keys(other.labels)) &&
      (own.type !== 'histogram' || other.type !== 'histogram' || String(own.buckets) === String(other.buckets))
    );
  }

  /** The handle of one scope: the cell itself without labels, else a lookup. */
  handle(declaration: Declaration, scope: Labels): Cell | CounterByLabels | GaugeByLabels | HistogramByLabels {
    if (Object.keys(declaration.labels).length === 0) return this.#add(scope);
    const lookup = this.#lookup(declaration, scope);
    if (declaration.zeroFill) this.#zeroFill(declaration, lookup);
    // Each family makes cells of its own type only, so the lookup's cells are of the handle's kind.
    if (declaration.type === 'counter') return new CounterByLabels(lookup as (labels: Labels) => CounterCell);
    if (declaration.type === 'gauge') return new GaugeByLabels(lookup as (labels: Labels) => GaugeCell);
    return new HistogramByLabels(lookup as (labels: Labels) => HistogramCell);
  }

  #make(slot?: number): Cell {
    if (this.type === 'histogram') {
      return new HistogramCell(this.#slab, slot ?? this.#slab.take(HistogramCell.slots(this.#edges)), this.#edges);
    }
    const at = slot ?? this.#slab.take(1);
    return this.type === 'counter' ? new CounterCell(this.#slab, at) : new GaugeCell(this.#slab, at);
  }

  #add(labels: Labels): Cell {
    const cell = this.#make();
    this.#series.push({ labels: Object.freeze({ ...labels }), cell });
    return cell;
  }

  #sink: Cell | undefined;
  /** Where undeclared labels are counted: nowhere, but the misuse itself is. */
  #misused(): Cell {
    this.#slab.misuses += 1;
    // A histogram's sink needs all its slots; the others share slot 0.
    this.#sink ??= this.#make(this.type === 'histogram' ? undefined : SINK_SLOT);
    return this.#sink;
  }

  #lookup(declaration: Declaration, scope: Labels): (labels: Labels) => Cell {
    const specs = Object.entries(declaration.labels);
    const names = specs.map(([name]) => name);
    const root = node();
    const create = (labels: Labels): Cell => {
      let at = root;
      const admitted: Record<string, string> = {};
      for (const [name, spec] of specs) {
        const value = admit(spec, String(labels[name]), at.children);
        if (value === undefined) return this.#misused();
        admitted[name] = value;
        let next = at.children.get(value);
        if (next === undefined) at.children.set(value, (next = node()));
        at = next;
      }
      return (at.cell ??= this.#add({ ...scope, ...admitted }));
    };
    return (labels) => {
      let at: LabelNode | undefined = root;
      for (let i = 0; i < names.length && at !== undefined; i++) at = at.children.get(labels[names[i] ?? ''] ?? '');
      return at?.cell ?? create(labels);
    };
  }

  #zeroFill(declaration: Declaration, lookup: (labels: Labels) => Cell): void {
    let combinations: Labels[] = [{}];
    for (const [name, spec] of Object.entries(declaration.labels)) {
      const values = 'max' in spec ? [] : spec;
      combinations = combinations.flatMap((labels) => values.map((value) => ({ ...labels, [name]: value })));
    }
    for (const labels of combinations) lookup(labels);
  }

  /** What prom-client asks of a metric at a scrape. */
  get(): Promise<{ name: string; help: string; type: string; values: Sample[]; aggregator: string }> {
    const { name, help, type, aggregator } = this;
    return Promise.resolve({ name, help, type, aggregator, values: this.samples() });
  }

  samples(): Sample[] {
    const samples: Sample[] = [];
    for (const { labels, cell } of this.#series) {
      if (cell instanceof HistogramCell) this.#histogramSamples(labels, cell, samples);
      else {
        const value = this.#read(cell);
        if (!Number.isNaN(value)) samples.push({ sharedLabels: labels, value });
      }
    }
    return samples;
  }

  #read(cell: CounterCell | GaugeCell): number {
    try {
      return cell.value();
    } catch {
      this.#failed();
      return NaN;
    }
  }

  #histogramSamples(labels: Labels, cell: HistogramCell, samples: Sample[]): void {
    const { cumulative, count, sum } = cell.snapshot();
    const bucket = `${this.name}_bucket`;
    cumulative.forEach((value, i) =>
      samples.push({
        metricName: bucket,
        labels: { le: this.#edges[i] ?? 0 },
        sharedLabels: labels,
        value,
        exemplar: cell.exemplar(i),
      }),
    );
    samples.push({
      metricName: bucket,
      labels: { le: '+Inf' },
      sharedLabels: labels,
      value: count,
      exemplar: cell.exemplar(this.#edges.length),
    });
    samples.push({ metricName: `${this.name}_sum`, sharedLabels: labels, value: sum });
    samples.push({ metricName: `${this.name}_count`, sharedLabels: labels, value: count });
  }
}
