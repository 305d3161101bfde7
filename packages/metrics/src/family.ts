import { CounterCell, type Exemplar, GaugeCell, HistogramCell, type HistogramSnapshot } from './cells.ts';
import type { Declaration, LabelSpec } from './declarations.ts';
import { CounterByLabels, GaugeByLabels, HistogramByLabels } from './handles.ts';
import type { SeriesCap } from './series-cap.ts';
import { Slab } from './slab.ts';

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

/** What is exposed under one set of labels: the sum of its cells, of which there is one per thread that counts. */
interface Series {
  readonly key: string;
  readonly labels: Labels;
  readonly cells: Set<Cell>;
}

/** What the families of a registry, or of a lane, share. */
export interface Room {
  readonly slab: Slab;
  readonly cap: SeriesCap;
  /** Counts a value that could not be read at a scrape. */
  readonly failed: () => void;
}

interface LabelNode {
  readonly children: Map<string, LabelNode>;
  cell: Cell | undefined;
}

/** The one that was observed last. */
function latest(exemplars: readonly (Exemplar | undefined)[]): Exemplar | undefined {
  return exemplars.reduce((last, each) => ((each?.timestamp ?? 0) > (last?.timestamp ?? 0) ? each : last), undefined);
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
  readonly #room: Room;
  readonly #edges: Float64Array;
  readonly #series = new Map<string, Series>();

  constructor(declaration: Declaration, room: Room) {
    this.declaration = declaration;
    this.name = declaration.name;
    this.help = declaration.help;
    this.type = declaration.type;
    this.#room = room;
    this.#edges = Float64Array.from(declaration.type === 'histogram' ? declaration.buckets : []);
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

  /** Exposes the series of a family of a lane as part of this one, under `scope`. Returns how to take them out. */
  mount(scope: Labels, lane: Family): () => void {
    const mounted: (readonly [Series, Cell])[] = [];
    for (const { labels, cells } of lane.#series.values()) {
      const series = this.#open({ ...scope, ...labels });
      for (const cell of cells) {
        series?.cells.add(cell);
        if (series !== undefined) mounted.push([series, cell]);
      }
    }
    return () => {
      for (const [series, cell] of mounted.splice(0)) this.#take(series, cell);
    };
  }

  #make(slab: Slab): Cell {
    if (this.type === 'histogram') {
      return new HistogramCell(slab, slab.take(HistogramCell.slots(this.#edges)), this.#edges);
    }
    return this.type === 'counter' ? new CounterCell(slab, slab.take(1)) : new GaugeCell(slab, slab.take(1));
  }

  #add(labels: Labels): Cell {
    const series = this.#open(labels);
    if (series === undefined) return this.#sink();
    const cell = this.#make(this.#room.slab);
    series.cells.add(cell);
    return cell;
  }

  /** Lines one series takes in an exposition: a histogram has its buckets, +Inf, sum and count. */
  get #lines(): number {
    return this.type === 'histogram' ? this.#edges.length + 3 : 1;
  }

  /** The series of these labels, made on first use; undefined where the registry has no room for another. */
  #open(labels: Labels): Series | undefined {
    const key = JSON.stringify(labels);
    const found = this.#series.get(key);
    if (found !== undefined || !this.#room.cap.take(this.#lines)) return found;
    const series = { key, labels: Object.freeze({ ...labels }), cells: new Set<Cell>() };
    this.#series.set(key, series);
    return series;
  }

  #take(series: Series, cell: Cell): void {
    series.cells.delete(cell);
    if (series.cells.size > 0) return;
    this.#series.delete(series.key);
    this.#room.cap.give(this.#lines);
  }

  #hidden: Cell | undefined;
  /** Where counts go that are exposed nowhere: a write to it is as cheap as any other. */
  #sink(): Cell {
    this.#hidden ??= this.#make(new Slab());
    return this.#hidden;
  }

  /** Undeclared labels are counted nowhere, but the misuse itself is. */
  #misused(): Cell {
    this.#room.slab.misused();
    return this.#sink();
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

  /** Every line of this family as it is now. */
  samples(): Sample[] {
    const samples: Sample[] = [];
    for (const { labels, cells } of this.#series.values()) {
      if (this.type === 'histogram') this.#histogramSamples(labels, cells, samples);
      else {
        const value = this.#sum(cells);
        if (!Number.isNaN(value)) samples.push({ sharedLabels: labels, value });
      }
    }
    return samples;
  }

  /** NaN, which is not exposed, when one of the cells is unknown. */
  #sum(cells: Iterable<Cell>): number {
    let sum = 0;
    try {
      // Each family has cells of its own type only.
      for (const cell of cells as Iterable<CounterCell | GaugeCell>) sum += cell.value();
      return sum;
    } catch {
      this.#room.failed();
      return NaN;
    }
  }

  #histogramSamples(labels: Labels, cells: Iterable<Cell>, samples: Sample[]): void {
    const histograms = [...cells].filter((cell) => cell instanceof HistogramCell);
    const snapshots = histograms.map((cell) => cell.snapshot());
    const total = (of: (snapshot: HistogramSnapshot) => number): number =>
      snapshots.reduce((sum, snapshot) => sum + of(snapshot), 0);
    const metricName = `${this.name}_bucket`;
    const bucket = (at: number, le: number | string, value: number): void => {
      const exemplar = latest(histograms.map((cell) => cell.exemplar(at)));
      samples.push({ metricName, labels: { le }, sharedLabels: labels, value, exemplar });
    };
    const count = total((snapshot) => snapshot.count);
    this.#edges.forEach((edge, at) =>
      bucket(
        at,
        edge,
        total(({ cumulative }) => cumulative[at] ?? 0),
      ),
    );
    bucket(this.#edges.length, '+Inf', count);
    samples.push({ metricName: `${this.name}_sum`, sharedLabels: labels, value: total(({ sum }) => sum) });
    samples.push({ metricName: `${this.name}_count`, sharedLabels: labels, value: count });
  }
}
