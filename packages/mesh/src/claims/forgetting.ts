import type { Register } from './register.ts';

const MINUTE_MS = 60_000;

/**
 * When registers can be forgotten, by the minute: adding, removing and finding those due costs nothing per register held.
 * There are as many minutes as a `seq` may run ahead plus a claim be old: some 2,880.
 */
export class Forgetting {
  readonly #minutes = new Map<number, Set<Register>>();

  add(register: Register): void {
    const minute = minuteOf(register);
    const registers = this.#minutes.get(minute);
    if (registers === undefined) this.#minutes.set(minute, new Set([register]));
    else registers.add(register);
  }

  remove(register: Register): void {
    const minute = minuteOf(register);
    const registers = this.#minutes.get(minute);
    registers?.delete(register);
    if (registers?.size === 0) this.#minutes.delete(minute);
  }

  /** Those whose minute is over: up to a minute later than they could be. Each may be removed on the way. */
  *due(nowMs: number): Iterable<Register> {
    for (const [minute, registers] of this.#minutes) if ((minute + 1) * MINUTE_MS <= nowMs) yield* registers;
  }
}

const minuteOf = ({ forgetAtMs }: Register): number => Math.floor(forgetAtMs / MINUTE_MS);
