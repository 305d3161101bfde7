import type { Reading } from '../history/reading.ts';
import type { Readings } from '../history/readings.ts';
import type { Instance, Objectives } from '../history/state.ts';

/** What a number is measured in; the page scales and writes it out. */
export type Unit = 'count' | 'per_second' | 'bytes' | 'bytes_per_second' | 'seconds' | 'share' | 'cores';

/** How a number is to be taken. Shown as a word and a mark as well as a colour. */
export type Level = 'ok' | 'warn' | 'bad';

/** Green is for what went well, orange for what clients got wrong, amber for saturation, red for failure alone. */
export type Tone = 'green' | 'orange' | 'amber' | 'red' | 'blue' | 'teal' | 'violet';

/** A number, as of now. Undefined where nothing can be said: shown as a dash. */
export interface Stat {
  readonly label: string;
  readonly unit: Unit;
  /** What the number is, for whoever points at it. */
  readonly hint: string;
  read(readings: Readings): number | undefined;
  level?(value: number, objectives: Objectives): Level;
}

/** One line of a plot. */
export interface Line {
  readonly label: string;
  readonly tone: Tone;
  read(readings: Readings): number | undefined;
}

export interface Plot {
  readonly label: string;
  readonly unit: Unit;
  readonly lines: readonly Line[];
  /** A bound drawn as a dashed line. */
  readonly bound?: { readonly label: string; value(objectives: Objectives): number };
}

/** A table with a row for every process. */
export interface InstanceTable {
  readonly label: string;
  readonly columns: readonly {
    readonly label: string;
    readonly unit: Unit;
    read(readings: Readings, instance: Instance): number | undefined;
    level?(value: number): Level;
  }[];
}

/** One part of the page. A new part is a file with one of these and a line in `index.ts`. */
export interface Panel {
  readonly id: string;
  readonly title: string;
  /** One sentence: the question this part answers. */
  readonly question: string;
  /** Everything its numbers are read from. */
  readonly readings: readonly Reading[];
  readonly stats: readonly Stat[];
  readonly plots: readonly Plot[];
  readonly table?: InstanceTable;
}

/** Bad as soon as there is one. */
export const noneExpected = (value: number): Level => (value > 0 ? 'bad' : 'ok');

/** Worth a look as soon as there is one. */
export const fewExpected = (value: number): Level => (value > 0 ? 'warn' : 'ok');

/** Worth a look above one bound, bad above the other. */
export const upTo =
  (warn: number, bad: number) =>
  (value: number): Level =>
    value > bad ? 'bad' : value > warn ? 'warn' : 'ok';
