import type { Readings } from '../history/readings.ts';
import type { Objectives } from '../history/state.ts';
import type { Level, Stat } from '../panels/panel.ts';
import { element, setText } from './element.ts';
import { write } from './format.ts';

/** A level in a word, for whoever does not see its colour; what is well needs none. */
export const LEVEL_WORDS: Readonly<Record<Level, string>> = { ok: '', warn: 'watch', bad: 'bad' };

/** One number with its name. */
export class StatView {
  readonly item: HTMLElement;
  readonly #stat: Stat;
  readonly #value = element('data', { class: 'stat-value', value: '' }, '–');
  readonly #unit = element('span', { class: 'stat-unit' });
  readonly #word = element('span', { class: 'stat-word' });

  constructor(stat: Stat) {
    this.#stat = stat;
    this.item = element(
      'div',
      { class: 'stat', title: stat.hint },
      element('dt', {}, stat.label),
      element('dd', {}, this.#value, this.#unit, this.#word),
    );
  }

  show(readings: Readings, objectives: Objectives): void {
    const value = this.#stat.read(readings);
    const { number, unit } = write(value, this.#stat.unit);
    const level = value === undefined ? 'ok' : (this.#stat.level?.(value, objectives) ?? 'ok');
    this.#value.value = value === undefined ? '' : String(value);
    setText(this.#value, number);
    setText(this.#unit, unit);
    setText(this.#word, LEVEL_WORDS[level]);
    this.item.dataset['level'] = level;
  }
}
