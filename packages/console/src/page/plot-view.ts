import type uPlot from 'uplot';
import { CONSOLE_LIMITS } from '../history/limits.ts';
import type { Readings } from '../history/readings.ts';
import type { Objectives } from '../history/state.ts';
import type { Plot } from '../panels/panel.ts';
import { element, setText } from './element.ts';
import { writeClock, writeText } from './format.ts';
import { Plotter } from './plot-library.ts';
import { token } from './theme.ts';

const HEIGHT_PX = 120;
/** Least time on the axis, in seconds: a page just opened does not stretch two points over its width. */
const SPAN_MIN_S = 120;
/** Rows of the table behind a plot: one a minute at most. */
const TABLE_ROWS_MAX = 15;
/** Room above the highest value. */
const HEADROOM = 1.12;
const FONT = '11px system-ui, sans-serif';

/** Steps of an axis of bytes: powers of two, up to a PiB. */
const BYTE_STEPS = Array.from({ length: 51 }, (_, power) => 2 ** power);

type Column = (number | null)[];

/** A plot over time with a legend of values, a summary in words and a table of the same numbers. */
export class PlotView {
  readonly figure: HTMLElement;
  readonly #plot: Plot;
  readonly #times: number[] = [];
  readonly #columns: Column[];
  readonly #values: HTMLElement[];
  readonly #canvas: HTMLElement;
  readonly #table: HTMLElement;
  readonly #details: HTMLDetailsElement;
  #chart: uPlot | undefined;
  #bound: number | undefined;

  constructor(plot: Plot) {
    this.#plot = plot;
    this.#columns = plot.lines.map(() => []);
    this.#values = plot.lines.map(() => element('span', { class: 'legend-value' }, '–'));
    const legend = plot.lines.map(({ label, tone }, at) =>
      element(
        'li',
        { 'data-tone': tone },
        element('span', { class: 'swatch', 'aria-hidden': 'true' }),
        `${label} `,
        this.#values[at] ?? '',
      ),
    );
    if (plot.bound !== undefined) {
      legend.push(
        element(
          'li',
          { 'data-tone': 'bound' },
          element('span', { class: 'swatch', 'aria-hidden': 'true' }),
          plot.bound.label,
        ),
      );
    }
    this.#canvas = element('div', { class: 'plot', role: 'img', 'aria-label': plot.label });
    this.#table = element('div', { class: 'plot-table' });
    this.#details = element(
      'details',
      {},
      element('summary', {}, 'Table', element('span', { class: 'unseen' }, ` of ${plot.label}`)),
      this.#table,
    );
    this.#details.addEventListener('toggle', () => this.#showTable());
    this.figure = element(
      'figure',
      {},
      element('figcaption', {}, element('h3', {}, plot.label), element('ul', { class: 'legend' }, ...legend)),
      this.#canvas,
      this.#details,
    );
    new ResizeObserver(() => this.#resize()).observe(this.#canvas);
  }

  /** Adds what the lines read now. */
  push(readings: Readings, objectives: Objectives): void {
    this.#bound = this.#plot.bound?.value(objectives);
    this.#add(
      readings.at,
      this.#plot.lines.map((line) => line.read(readings) ?? null),
    );
  }

  /** Adds a gap: nobody answered then. */
  pushGap(at: number): void {
    this.#add(
      at,
      this.#plot.lines.map(() => null),
    );
  }

  /** Colours have changed. */
  redraw(): void {
    this.#chart?.redraw(false);
  }

  #add(at: number, values: readonly (number | null)[]): void {
    const earliest = (at - CONSOLE_LIMITS.historyMs) / 1_000;
    this.#times.push(at / 1_000);
    values.forEach((value, line) => this.#columns[line]?.push(value));
    while (this.#times.length > CONSOLE_LIMITS.historyStates || (this.#times[0] ?? earliest) < earliest) {
      this.#times.shift();
      for (const column of this.#columns) column.shift();
    }
    this.#draw();
    this.#showValues(this.#times.length - 1);
    this.#canvas.setAttribute('aria-label', this.#summary());
    this.#showTable();
  }

  #draw(): void {
    if (this.#chart === undefined) this.#resize();
    else this.#chart.setData(this.#data());
  }

  /** A line of several that was never above zero is left to the legend: red along the floor would look like failure. */
  #data(): uPlot.AlignedData {
    const silent = (column: Column): boolean => this.#columns.length > 1 && column.every((value) => (value ?? 0) === 0);
    return [this.#times, ...this.#columns.map((column) => (silent(column) ? column.map(() => null) : column))];
  }

  #resize(): void {
    const width = Math.floor(this.#canvas.clientWidth);
    if (width === 0) return;
    if (this.#chart === undefined) {
      this.#chart = new Plotter(this.#options(width), this.#data(), this.#canvas);
    } else if (this.#chart.width !== width) this.#chart.setSize({ width, height: HEIGHT_PX });
  }

  #options(width: number): uPlot.Options {
    const { lines, unit } = this.#plot;
    const axis: uPlot.Axis = {
      font: FONT,
      stroke: () => token('--muted'),
      grid: { stroke: () => token('--grid'), width: 1 },
      ticks: { show: false },
    };
    return {
      width,
      height: HEIGHT_PX,
      legend: { show: false },
      padding: [8, 18, 0, 0],
      cursor: { sync: { key: 'console' }, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { time: true, range: () => this.#timeRange() },
        y: { range: (_chart, _min, max) => this.#valueRange(max) },
      },
      axes: [
        {
          ...axis,
          size: 22,
          space: 64,
          values: (_chart, ticks) => ticks.map((at) => writeClock(at * 1_000).slice(0, 5)),
          incrs: [60, 120, 300],
        },
        {
          ...axis,
          size: 62,
          space: 28,
          values: (_chart, ticks) => ticks.map((value) => writeText(value, unit)),
          ...(unit.startsWith('bytes') && { incrs: BYTE_STEPS }),
        },
      ],
      series: [
        {},
        ...lines.map(({ tone, label }): uPlot.Series => ({
          label,
          stroke: () => token(`--${tone}`),
          width: 1.5,
          points: { show: false },
          ...(lines.length === 1 && { fill: () => token(`--${tone}-wash`) }),
        })),
      ],
      hooks: {
        draw: [(chart) => this.#drawBound(chart)],
        setCursor: [(chart) => this.#showValues(chart.cursor.idx ?? this.#times.length - 1)],
      },
    };
  }

  #timeRange(): [number, number] {
    const last = this.#times.at(-1) ?? 0;
    const span = Math.max(SPAN_MIN_S, last - (this.#times[0] ?? last));
    return [last - span, last];
  }

  #valueRange(max: number | null): [number, number] {
    const highest = Math.max(max ?? 0, this.#bound ?? 0);
    return [0, highest === 0 ? 1 : highest * HEADROOM];
  }

  #drawBound(chart: uPlot): void {
    if (this.#bound === undefined) return;
    const { ctx, bbox } = chart;
    const y = Math.round(chart.valToPos(this.#bound, 'y', true));
    ctx.save();
    ctx.strokeStyle = token('--bound');
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }

  #showValues(index: number): void {
    this.#values.forEach((node, line) => setText(node, this.#text(this.#columns[line]?.[index])));
  }

  #text(value: number | null | undefined): string {
    return writeText(value ?? undefined, this.#plot.unit);
  }

  /** What a plot says to whoever does not see it. */
  #summary(): string {
    const lines = this.#plot.lines.map(({ label }, line) => {
      const known = (this.#columns[line] ?? []).filter((value) => value !== null);
      if (known.length === 0) return `${label}: no values yet`;
      return `${label}: now ${this.#text(known.at(-1))}, lowest ${this.#text(Math.min(...known))}, highest ${this.#text(Math.max(...known))}`;
    });
    return `${this.#plot.label}. ${lines.join('. ')}.`;
  }

  #showTable(): void {
    if (!this.#details.open) return;
    const step = Math.max(1, Math.ceil(this.#times.length / TABLE_ROWS_MAX));
    const picked = this.#times.map((_, at) => at).filter((at) => (this.#times.length - 1 - at) % step === 0);
    const head = element(
      'tr',
      {},
      element('th', { scope: 'col' }, 'Time'),
      ...this.#plot.lines.map(({ label }) => element('th', { scope: 'col' }, label)),
    );
    const rows = picked
      .reverse()
      .map((at) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, writeClock((this.#times[at] ?? 0) * 1_000)),
          ...this.#columns.map((column) => element('td', {}, this.#text(column[at]))),
        ),
      );
    this.#table.replaceChildren(element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows)));
  }
}
