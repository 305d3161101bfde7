import type { ConsoleState } from '../history/state.ts';
import { element } from './element.ts';
import { healthOf, type InstanceHealth, type ServiceHealth } from './health.ts';

function instanceRow({ process, address, level, word, detail }: InstanceHealth, service: string): HTMLElement {
  const where =
    address === '' ? (process === service ? 'this process' : `in ${process}`) : address.replace('http://', '');
  const row = element(
    'li',
    { class: 'instance', 'data-level': level },
    element('span', { class: 'mark', 'aria-hidden': 'true' }),
    element('span', { class: 'word' }, word),
    element('span', { class: 'where' }, where),
  );
  if (detail !== '') row.append(element('span', { class: 'detail' }, detail));
  return row;
}

function card({ service, level, instances }: ServiceHealth): HTMLElement {
  return element(
    'li',
    { class: 'card', 'data-service': service, 'data-level': level },
    element('h3', {}, service),
    element('ul', { class: 'instances' }, ...instances.map((instance) => instanceRow(instance, service))),
  );
}

/** The card of every service. Drawn anew only when something about health has changed. */
export class ServicesView {
  readonly #list: HTMLElement;
  #shown = '';

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  show(state: ConsoleState): void {
    const services = healthOf(state);
    const shown = JSON.stringify(services);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#list.replaceChildren(...services.map(card));
  }
}
