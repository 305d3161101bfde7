import { Readings } from '../history/readings.ts';
import type { ConsoleState } from '../history/state.ts';
import type { Panel } from '../panels/panel.ts';
import { element } from './element.ts';
import { InstanceTableView } from './instance-table-view.ts';
import { PlotView } from './plot-view.ts';
import { StatView } from './stat-view.ts';

/** One part of the page. */
export class PanelView {
  readonly section: HTMLElement;
  readonly #stats: readonly StatView[];
  readonly #plots: readonly PlotView[];
  readonly #table: InstanceTableView | undefined;

  constructor({ id, title, question, stats, plots, table }: Panel) {
    this.#stats = stats.map((stat) => new StatView(stat));
    this.#plots = plots.map((plot) => new PlotView(plot));
    this.#table = table === undefined ? undefined : new InstanceTableView(table);
    const heading = element('h2', { id: `${id}-title` }, title);
    this.section = element(
      'section',
      { id, class: 'panel', 'aria-labelledby': `${id}-title` },
      element('header', {}, heading, element('p', { class: 'question' }, question)),
    );
    if (stats.length > 0)
      this.section.append(element('dl', { class: 'stats' }, ...this.#stats.map(({ item }) => item)));
    if (this.#table !== undefined) this.section.append(this.#table.part);
    this.section.append(element('div', { class: 'plots' }, ...this.#plots.map(({ figure }) => figure)));
  }

  show(states: readonly ConsoleState[]): void {
    const state = states.at(-1);
    if (state === undefined) return;
    const readings = new Readings(states);
    for (const stat of this.#stats) stat.show(readings, state.objectives);
    for (const plot of this.#plots) plot.push(readings, state.objectives);
    this.#table?.show(state, readings);
  }

  showGap(at: number): void {
    for (const plot of this.#plots) plot.pushGap(at);
  }

  redraw(): void {
    for (const plot of this.#plots) plot.redraw();
  }
}
