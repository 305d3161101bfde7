import type { ConsoleState } from './state.ts';

/** Pause between two looks, in ms: short enough to be called live, long enough that looking costs nothing. */
export const POLL_MS = 2_000;
/** What the page remembers, in ms. Nothing of it is kept anywhere else. */
export const HISTORY_MS = 15 * 60_000;
/** The same as a number of states: the bound holds even when a clock stands still. */
export const HISTORY_MAX = HISTORY_MS / POLL_MS + 1;

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
    const kept = earlier.filter(({ at }) => at >= state.at - HISTORY_MS);
    this.#states = [...kept, state].slice(-HISTORY_MAX);
    return true;
  }
}
