import type { CounterCell, GaugeCell, HistogramCell } from './cells.ts';
import type {
  CounterDeclaration,
  Declaration,
  GaugeDeclaration,
  HistogramDeclaration,
  LabelSpecs,
  LabelValues,
} from './declarations.ts';

/** A counter with labels: every call names all of them. */
export interface LabelledCounter<L extends LabelSpecs> {
  inc(labels: LabelValues<L>, n?: number): void;
  collect(read: () => number, labels: LabelValues<L>): void;
  /** The series of these labels, made on first use. */
  cell(labels: LabelValues<L>): CounterCell;
}

export interface LabelledGauge<L extends LabelSpecs> {
  set(value: number, labels: LabelValues<L>): void;
  inc(labels: LabelValues<L>, n?: number): void;
  dec(labels: LabelValues<L>, n?: number): void;
  collect(read: () => number, labels: LabelValues<L>): void;
  cell(labels: LabelValues<L>): GaugeCell;
}

export interface LabelledHistogram<L extends LabelSpecs> {
  observe(value: number, labels: LabelValues<L>): void;
  cell(labels: LabelValues<L>): HistogramCell;
}

/** What `bind` answers for a declaration: the cell itself when there are no labels, else its labelled form. */
export type HandleOf<D extends Declaration> =
  D extends CounterDeclaration<infer L>
    ? [keyof L] extends [never]
      ? CounterCell
      : LabelledCounter<L>
    : D extends GaugeDeclaration<infer L>
      ? [keyof L] extends [never]
        ? GaugeCell
        : LabelledGauge<L>
      : D extends HistogramDeclaration<infer L>
        ? [keyof L] extends [never]
          ? HistogramCell
          : LabelledHistogram<L>
        : never;

export type HandlesOf<T extends Readonly<Record<string, Declaration>>> = { readonly [K in keyof T]: HandleOf<T[K]> };

/** Finds the cell of a set of labels; the declaration's own label order decides the path. */
type Lookup<C> = (labels: Readonly<Record<string, string>>) => C;

export class CounterByLabels {
  readonly cell: Lookup<CounterCell>;
  constructor(lookup: Lookup<CounterCell>) {
    this.cell = lookup;
  }
  inc(labels: Readonly<Record<string, string>>, n = 1): void {
    this.cell(labels).inc(n);
  }
  collect(read: () => number, labels: Readonly<Record<string, string>>): void {
    this.cell(labels).collect(read);
  }
}

export class GaugeByLabels {
  readonly cell: Lookup<GaugeCell>;
  constructor(lookup: Lookup<GaugeCell>) {
    this.cell = lookup;
  }
  set(value: number, labels: Readonly<Record<string, string>>): void {
    this.cell(labels).set(value);
  }
  inc(labels: Readonly<Record<string, string>>, n = 1): void {
    this.cell(labels).inc(n);
  }
  dec(labels: Readonly<Record<string, string>>, n = 1): void {
    this.cell(labels).dec(n);
  }
  collect(read: () => number, labels: Readonly<Record<string, string>>): void {
    this.cell(labels).collect(read);
  }
}

export class HistogramByLabels {
  readonly cell: Lookup<HistogramCell>;
  constructor(lookup: Lookup<HistogramCell>) {
    this.cell = lookup;
  }
  observe(value: number, labels: Readonly<Record<string, string>>): void {
    this.cell(labels).observe(value);
  }
}
