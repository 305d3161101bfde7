import { BusClosed, BusError, BusOutcomeUnknown, RemoteError } from '../errors.ts';
import type { Result } from '../metrics.ts';

/** What is asked: small calls of either kind, one in another's name, big ones in both lanes, and streams both ways. */
export const LEDGER_KINDS = Object.freeze([
  'query',
  'command',
  'relay',
  'block',
  'large',
  'read',
  'ticket',
  'upload',
] as const);
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** Of an answer as its caller saw it: it came; it was refused and nothing ran; or neither, which the caller was told. */
type Outcome = 'open' | 'answered' | 'refused' | 'failed';

interface Call {
  readonly kind: LedgerKind;
  outcome: Outcome;
  error: unknown;
}

interface Event {
  outcome: Outcome;
  /** When its publisher was told that it is admitted, in ms of the process. */
  admittedAt: number;
}

/** One reader of the hints: what it handled and what it was told it lost. */
export interface HintAccount {
  handled: number;
  lost: number;
}

/** Refusals promise that nothing ran; a deadline, an unknown outcome and a remote error promise nothing. */
function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof BusError) || error instanceof BusOutcomeUnknown) return 'failed';
  return error.code === 'deadline' || error.code === 'canceled' ? 'failed' : 'refused';
}

/** The label under which the bus counts a call that ended with this error. */
function resultOf(error: unknown): Result {
  if (error instanceof RemoteError) return 'error';
  if (error instanceof BusClosed) return 'closed';
  if (!(error instanceof BusError)) return 'canceled';
  if (error.code === 'busy') return 'overflow';
  return error.code === 'outcome_unknown' ? 'unknown' : error.code;
}

/**
 * The ledger: every request is entered before it is sent, ends exactly once, and is compared afterwards with what the
 * servers say they ran. What remains unexplained is a problem.
 */
export class LedgerBook {
  /** How many calls ended with each result, to be found again in `bus_requests_total`. */
  readonly results = new Map<Result, number>();
  readonly hintReaders: HintAccount[] = [];
  hintsAdmitted = 0;
  /** Hints whose publisher could not be told what became of them. */
  hintsUnknown = 0;
  answered = 0;
  readonly #calls = new Map<string, Call>();
  readonly #work = new Map<string, Event>();
  readonly #ran = new Map<string, number>();
  readonly #handled = new Map<string, Map<string, number>>();
  readonly #problems: string[] = [];
  #next = 0;

  /** A new request; its id is what servers report back, always 12 digits. */
  enter(kind: LedgerKind): string {
    const id = this.#newId();
    this.#calls.set(id, { kind, outcome: 'open', error: undefined });
    return id;
  }

  enterWork(): string {
    const id = this.#newId();
    this.#work.set(id, { outcome: 'open', admittedAt: 0 });
    return id;
  }

  answer(id: string, isItsOwn: boolean): void {
    this.#countResult('ok');
    if (!isItsOwn) this.#problems.push(`${id} was given an answer that is not its own`);
    this.#end(id, 'answered', undefined);
    this.answered += 1;
  }

  fail(id: string, error: unknown): void {
    this.#countResult(resultOf(error));
    this.#end(id, outcomeOf(error), error);
  }

  /** The answer came, what was streamed behind it did not end well: the caller saw it, the counter had it as answered. */
  breakOff(id: string, error: unknown): void {
    this.#countResult('ok');
    this.#end(id, 'failed', error);
  }

  admitWork(id: string): void {
    const event = this.#work.get(id);
    if (event === undefined) return;
    event.outcome = 'answered';
    event.admittedAt = performance.now();
  }

  refuseWork(id: string, error: unknown): void {
    const event = this.#work.get(id);
    if (event !== undefined) event.outcome = outcomeOf(error);
  }

  /** A server took the effect of a request. */
  ran(id: string): void {
    this.#ran.set(id, (this.#ran.get(id) ?? 0) + 1);
  }

  /** A group handled a work event. */
  handled(group: string, id: string): void {
    const events = this.#handled.get(group) ?? new Map<string, number>();
    this.#handled.set(group, events);
    events.set(id, (events.get(id) ?? 0) + 1);
  }

  /** Errors callers saw, as text, with their numbers. */
  get errors(): ReadonlyMap<string, number> {
    const errors = new Map<string, number>();
    for (const { kind, error } of this.#calls.values()) {
      if (error === undefined) continue;
      const text = `${kind}: ${String(error)}`;
      errors.set(text, (errors.get(text) ?? 0) + 1);
    }
    return errors;
  }

  /** Admitted work that a group has not handled yet. Left out is what `mayBeLost` says of the moment it was admitted. */
  unhandled(groups: readonly string[], mayBeLost: (admittedAt: number) => boolean): string[] {
    return groups.flatMap((group) =>
      [...this.#work]
        .filter(
          ([id, { outcome, admittedAt }]) => outcome === 'answered' && !mayBeLost(admittedAt) && !this.#did(group, id),
        )
        .map(([id]) => `${group} never handled ${id}`),
    );
  }

  /** Everything that does not add up: empty when the ledger closes. */
  problems(): string[] {
    const problems = [...this.#problems];
    for (const [id, { kind, outcome, error }] of this.#calls) {
      const what = `${kind} ${id}`;
      const runs = this.#ran.get(id) ?? 0;
      if (outcome === 'open') problems.push(`${what} never ended`);
      if (outcome === 'refused' && runs > 0)
        problems.push(`${what} was refused (${String(error)}) and ran all the same`);
      if (outcome === 'answered' && runs === 0) problems.push(`${what} was answered and never ran`);
    }
    for (const id of this.#ran.keys()) if (!this.#calls.has(id)) problems.push(`${id} ran and was never asked`);
    for (const [id, { outcome }] of this.#work) {
      if (outcome === 'open') problems.push(`work ${id} was never admitted or refused`);
      if (outcome !== 'refused') continue;
      for (const group of this.#handled.keys()) {
        if (this.#did(group, id)) problems.push(`work ${id} was refused and ${group} handled it`);
      }
    }
    for (const [group, events] of this.#handled) {
      for (const id of events.keys())
        if (!this.#work.has(id)) problems.push(`${group} handled ${id}, which nobody published`);
    }
    return problems;
  }

  /** Requests whose effect was taken more than once, by kind. */
  get repeats(): ReadonlyMap<LedgerKind, number> {
    const repeats = new Map<LedgerKind, number>();
    for (const [id, runs] of this.#ran) {
      const kind = this.#calls.get(id)?.kind;
      if (runs > 1 && kind !== undefined) repeats.set(kind, (repeats.get(kind) ?? 0) + 1);
    }
    return repeats;
  }

  /** One line for people. */
  get summary(): string {
    const counts = new Map<Outcome, number>();
    for (const { outcome } of this.#calls.values()) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    const calls = (['answered', 'refused', 'failed', 'open'] as const).map(
      (each) => `${counts.get(each) ?? 0} ${each}`,
    );
    const admitted = [...this.#work.values()].filter(({ outcome }) => outcome === 'answered').length;
    const repeats = [...this.repeats.values()].reduce((sum, count) => sum + count, 0);
    return `${this.#calls.size} calls: ${calls.join(', ')}, ${repeats} ran twice; ${admitted} of ${this.#work.size} work events admitted; ${this.hintsAdmitted} hints`;
  }

  #did(group: string, id: string): boolean {
    return this.#handled.get(group)?.has(id) === true;
  }

  #newId(): string {
    this.#next += 1;
    return String(this.#next).padStart(12, '0');
  }

  #countResult(result: Result): void {
    this.results.set(result, (this.results.get(result) ?? 0) + 1);
  }

  #end(id: string, outcome: Outcome, error: unknown): void {
    const call = this.#calls.get(id);
    if (call === undefined) this.#problems.push(`${id} ended and was never asked`);
    else if (call.outcome !== 'open') this.#problems.push(`${call.kind} ${id} ended twice`);
    else Object.assign(call, { outcome, error });
  }
}
