import type { CounterCell, HistogramCell, Occupancy } from '@macronode/metrics';
import type { BusLimits } from './bus-limits.ts';
import type { Clock } from './clock.ts';
import { type DeadlineWheel, Timed } from './deadline-wheel.ts';
import { BusClosed, BusDeadline, BusError, BusOutcomeUnknown, BusOverflow, RemoteError } from './errors.ts';
import type { Frame } from './wire/frame.ts';
import { type BusMetrics, type Result, countOverflow } from './metrics.ts';

const MAX_U32 = 0xffffffff;
/** A client gate opens as soon as one answer comes, so the advice is short. */
const CLIENT_RETRY_MS = 100;

export interface CallPlan {
  readonly subject: string;
  readonly deadlineAt: number;
  /** Encoded bytes, for the gate. */
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  /** Id of its trace, when it has a span that is sampled: shown beside the time it takes. */
  readonly sampledTrace?: string | undefined;
  /** The first answer: a REP frame. What it throws fails the call. */
  readonly onReply: (frame: Frame) => unknown;
  /** Told once: what `onReply` made of the answer. */
  readonly resolve: (value: unknown) => void;
  /** Told once: why there is no answer. */
  readonly reject: (error: unknown) => void;
}

/** A call without an answer yet. */
export class ClientCall extends Timed {
  readonly number: number;
  readonly plan: CallPlan;
  readonly startedAt: number;
  /** The request may have reached its handler although the medium did not say so. */
  outcomeUnknown = false;
  readonly #calls: ClientCalls;
  readonly #onAbort: (() => void) | undefined;

  constructor(number: number, plan: CallPlan, startedAt: number, calls: ClientCalls) {
    super();
    this.number = number;
    this.plan = plan;
    this.startedAt = startedAt;
    this.#calls = calls;
    const { signal } = plan;
    if (signal === undefined) return;
    this.#onAbort = () => this.#calls.fail(this, signal.reason);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onDue(): void {
    this.#calls.fail(this, this.outcomeUnknown ? new BusOutcomeUnknown() : new BusDeadline());
  }

  /** Lets go of what watches the call. */
  release(): void {
    if (this.#onAbort !== undefined) this.plan.signal?.removeEventListener('abort', this.#onAbort);
  }
}

/** The calls of one bus that have no answer yet: the client gate, their deadlines, and the match of answer to call. */
export class ClientCalls {
  readonly #limits: BusLimits;
  readonly #clock: Clock;
  readonly #wheel: DeadlineWheel;
  readonly #metrics: BusMetrics;
  /**
   * Calls by the low bits of their number, twice as many places as calls: a Map that is filled and emptied all the time
   * leaves a chain of old tables, which keep the calls that were in them alive.
   */
  readonly #pending: (ClientCall | undefined)[];
  #open = 0;
  readonly #seconds = new Map<string, HistogramCell>();
  readonly #ok: CounterCell;
  #published = 0;
  #bytes = 0;
  #next = 0;

  constructor(limits: BusLimits, clock: Clock, wheel: DeadlineWheel, metrics: BusMetrics) {
    this.#limits = limits;
    this.#clock = clock;
    this.#wheel = wheel;
    this.#metrics = metrics;
    this.#ok = metrics.requests.cell({ result: 'ok' });
    const places = 2 ** Math.ceil(Math.log2(2 * limits.inflightCalls));
    this.#pending = Array.from({ length: places }, () => undefined);
    metrics.clientInflight.collect(() => this.size);
    metrics.clientInflightBytes.collect(() => this.#bytes);
  }

  get size(): number {
    return this.#open + this.#published;
  }

  /** The gate, and the calls behind it by subject. */
  occupancies(): readonly Occupancy[] {
    const now = this.#clock.now();
    const subjects = new Map<string, { held: number; oldestMs: number }>();
    // From the youngest back: calls without an answer are mostly among the last that were made.
    let left = this.#open;
    for (let back = 0; left > 0 && back < this.#pending.length; back += 1) {
      const call = this.#pending[this.#placeOf(this.#next - back + this.#pending.length)];
      if (call === undefined) continue;
      left -= 1;
      const seen = subjects.get(call.plan.subject) ?? { held: 0, oldestMs: 0 };
      const oldestMs = Math.max(seen.oldestMs, now - call.startedAt);
      subjects.set(call.plan.subject, { held: seen.held + 1, oldestMs });
    }
    const ages = [...subjects.values()].map(({ oldestMs }) => oldestMs);
    const { inflightCalls, inflightBytes } = this.#limits;
    const oldestMs = ages.length === 0 ? undefined : Math.max(...ages);
    return [
      { kind: 'semaphore', name: 'client calls', held: this.size, bound: inflightCalls, oldestMs },
      { kind: 'semaphore', name: 'client call bytes', held: this.#bytes, bound: inflightBytes, unit: 'bytes' },
      ...[...subjects].map(([subject, seen]) => ({ kind: 'queue' as const, name: `call ${subject}`, ...seen })),
    ];
  }

  /** Opens a call, or throws BusOverflow. */
  open(plan: CallPlan): ClientCall {
    this.#admit(plan.bytes);
    do this.#next = this.#next === MAX_U32 ? 0 : this.#next + 1;
    while (this.#pending[this.#placeOf(this.#next)] !== undefined);
    const call = new ClientCall(this.#next, plan, this.#clock.now(), this);
    this.#pending[this.#placeOf(call.number)] = call;
    this.#open += 1;
    this.#bytes += plan.bytes;
    this.#wheel.add(plan.deadlineAt, call);
    return call;
  }

  /** Takes room for a publish, or throws BusOverflow; the answer gives it back. */
  publish(bytes: number): () => void {
    this.#admit(bytes);
    this.#published += 1;
    this.#bytes += bytes;
    return () => {
      this.#published -= 1;
      this.#bytes -= bytes;
    };
  }

  get(number: number): ClientCall | undefined {
    const call = this.#pending[this.#placeOf(number)];
    return call?.number === number ? call : undefined;
  }

  succeed(call: ClientCall, frame: Frame): void {
    if (!this.#remove(call)) return;
    let value: unknown;
    try {
      value = call.plan.onReply(frame);
    } catch (error) {
      this.#metrics.requests.inc({ result: resultOf(error) });
      return call.plan.reject(error);
    }
    this.#ok.inc();
    call.plan.resolve(value);
  }

  fail(call: ClientCall, error: unknown): void {
    if (!this.#remove(call)) return;
    const result = resultOf(error);
    this.#metrics.requests.inc({ result });
    if (result === 'deadline') this.#metrics.expired.inc({ where: 'client' });
    call.plan.reject(error ?? new BusClosed());
  }

  failAll(error: unknown): void {
    for (const call of this.#pending) if (call !== undefined) this.fail(call, error);
  }

  /** Counts a call that was refused before it was opened. */
  countRefused(error: unknown): void {
    this.#metrics.requests.inc({ result: resultOf(error) });
    if (error instanceof BusOverflow) countOverflow(this.#metrics, error);
  }

  #admit(bytes: number): void {
    if (this.size >= this.#limits.inflightCalls) throw new BusOverflow('client', CLIENT_RETRY_MS);
    if (this.#bytes + bytes > this.#limits.inflightBytes) throw new BusOverflow('client_bytes', CLIENT_RETRY_MS);
  }

  #remove(call: ClientCall): boolean {
    if (this.get(call.number) !== call) return false;
    this.#pending[this.#placeOf(call.number)] = undefined;
    this.#open -= 1;
    call.release();
    this.#bytes -= call.plan.bytes;
    this.#wheel.remove(call);
    const { subject, sampledTrace } = call.plan;
    const seconds = (this.#clock.now() - call.startedAt) / 1_000;
    if (sampledTrace === undefined) this.#secondsOf(subject).observe(seconds);
    else this.#secondsOf(subject).observeTraced(seconds, sampledTrace);
    return true;
  }

  #placeOf(number: number): number {
    return number % this.#pending.length;
  }

  #secondsOf(subject: string): HistogramCell {
    let cell = this.#seconds.get(subject);
    if (cell === undefined) {
      cell = this.#metrics.requestSeconds.cell({ subject });
      this.#seconds.set(subject, cell);
    }
    return cell;
  }
}

function resultOf(error: unknown): Result {
  if (error instanceof RemoteError) return 'error';
  if (error instanceof BusClosed) return 'closed';
  if (!(error instanceof BusError)) return 'canceled';
  switch (error.code) {
    case 'busy':
      return 'overflow';
    case 'outcome_unknown':
      return 'unknown';
    default:
      return error.code;
  }
}
