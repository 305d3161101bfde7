import type { Readings } from '../history/readings.ts';
import type { ConsoleState, Instance } from '../history/state.ts';
import type { InstanceTable } from '../panels/panel.ts';
import { element } from './element.ts';
import { writeText } from './format.ts';
import { LEVEL_WORDS } from './stat-view.ts';

/** A row for every process, also for those that do not answer. */
export class InstanceTableView {
  readonly part: HTMLElement;
  readonly #spec: InstanceTable;
  readonly #body = element('tbody');

  constructor(spec: InstanceTable) {
    this.#spec = spec;
    const head = [
      element('th', { scope: 'col' }, 'Process'),
      ...spec.columns.map(({ label }) => element('th', { scope: 'col' }, label)),
    ];
    // Wider than a phone: it scrolls by itself, and can be scrolled with the keyboard.
    this.part = element(
      'div',
      { class: 'scroll', role: 'region', 'aria-label': spec.label, tabindex: '0' },
      element('table', { class: 'instances-table' }, element('thead', {}, element('tr', {}, ...head)), this.#body),
    );
  }

  show(state: ConsoleState, readings: Readings): void {
    this.#body.replaceChildren(...state.instances.map((instance) => this.#row(instance, readings)));
  }

  #row(instance: Instance, readings: Readings): HTMLElement {
    const address = instance.id === 'self' ? 'this process' : instance.id.replace('http://', '');
    const head = element('th', { scope: 'row' }, instance.name, element('span', { class: 'where' }, ` ${address}`));
    if (instance.problem !== null) {
      const columns = String(this.#spec.columns.length);
      return element(
        'tr',
        { 'data-level': 'bad' },
        head,
        element('td', { colspan: columns, class: 'lost' }, instance.problem),
      );
    }
    const own = readings.of(instance.id);
    const cells = this.#spec.columns.map((column) => {
      const value = column.read(own, instance);
      const judged = value === undefined ? 'ok' : (column.level?.(value) ?? 'ok');
      const word = LEVEL_WORDS[judged];
      return element(
        'td',
        { 'data-level': judged },
        `${writeText(value, column.unit)}${word === '' ? '' : ` ${word}`}`,
      );
    });
    return element('tr', {}, head, ...cells);
  }
}
