import { CONSOLE_LIMITS } from './limits.ts';
import type { ConsoleState } from './state.ts';

/** The states of the last quarter of an hour, oldest first. */
export class History {
  #states: ConsoleState[] = [];

  get states(): readonly ConsoleState[] {
    return this.#states;
  }

  /** Adds a state; false for one that is here already. A clock that was put back begins a new history. */
  push(state: ConsoleState): boolean {
    const last = this.#states.at(-1);
    if (last?.at === state.at) return false;
    const earlier = last !== undefined && state.at < last.at ? [] : this.#states;
    const kept = earlier.filter(({ at }) => at >= state.at - CONSOLE_LIMITS.historyMs);
    this.#states = [...kept, state].slice(-CONSOLE_LIMITS.historyStates);
    return true;
  }
}
