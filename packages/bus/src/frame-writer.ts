import type { Clock } from './clock.ts';
import { encodeEntry } from './wire/codec.ts';
import { BusDeadline, BusUnavailable } from './errors.ts';
import { type Frame, FRAME_LIMITS } from './wire/frame.ts';

/** Called once per frame: with the error that kept its entry from the medium, or with the medium's answer. */
export type Written<R> = (error: Error | undefined, result: R | undefined) => void;

/** Appends under way at once. Frames that come meanwhile collect, so load makes its own batches and no timer is needed. */
export const APPENDS_IN_FLIGHT = 2;
/** Above it a frame travels alone: batching saves per-entry cost, which such a frame does not feel. */
const BATCH_BYTES = 256 * 1024;
/** Addresses one frame may add to the string table. */
const ADDRESSES_PER_FRAME = 3;

interface Item<R> {
  readonly frame: Frame;
  readonly deadlineAt: number;
  readonly queuedAt: number;
  readonly done: Written<R>;
}

export interface FrameWriterOptions<R> {
  readonly clock: Clock;
  readonly append: (entry: Uint8Array, frames: number) => Promise<R>;
  /** Frames one entry may hold when so many are queued. */
  readonly share: (queued: number) => number;
  /** An entry is about to be appended: its frames, its bytes, and how long the first of them waited, in ms. */
  readonly onBatch: (frames: number, bytes: number, waitedMs: number) => void;
}

/** Coalesces the frames of one target: those ready in the same turn become one entry. Order is kept. */
export class FrameWriter<R> {
  readonly #options: FrameWriterOptions<R>;
  #queue: Item<R>[] = [];
  #inFlight = 0;
  #scheduled = false;

  constructor(options: FrameWriterOptions<R>) {
    this.#options = options;
  }

  get idle(): boolean {
    return this.#queue.length === 0 && this.#inFlight === 0;
  }

  /** Frames that wait for an append under way to end. */
  get queued(): number {
    return this.#queue.length;
  }

  /** When the first of those was handed in, on the clock of the bus. */
  get oldestQueuedAt(): number | undefined {
    return this.#queue[0]?.queuedAt;
  }

  get appending(): number {
    return this.#inFlight;
  }

  /** Queues a frame that `frameFault` found no fault with. Past `deadlineAt` it is refused instead of written. */
  push(frame: Frame, deadlineAt: number, done: Written<R>): void {
    this.#queue.push({ frame, deadlineAt, queuedAt: this.#options.clock.now(), done });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= APPENDS_IN_FLIGHT) return;
    this.#scheduled = true;
    // A tick runs when the microtasks of this turn are done: whatever they still send joins the entry.
    process.nextTick(() => {
      this.#scheduled = false;
      while (this.#queue.length > 0 && this.#inFlight < APPENDS_IN_FLIGHT) this.#send(this.#take());
    });
  }

  #take(): Item<R>[] {
    const now = this.#options.clock.now();
    const limit = Math.min(FRAME_LIMITS.entryFrames, Math.max(1, this.#options.share(this.#queue.length)));
    const batch: Item<R>[] = [];
    let taken = 0;
    let bytes = 0;
    let addresses = 0;
    for (const item of this.#queue) {
      const { frame, deadlineAt } = item;
      const adds = newAddresses(frame, batch.at(-1)?.frame);
      const over = bytes + frame.body.length > BATCH_BYTES || addresses + adds > FRAME_LIMITS.strings;
      if (batch.length >= limit || (batch.length > 0 && over)) break;
      taken += 1;
      if (deadlineAt <= now) {
        item.done(new BusDeadline(), undefined);
        continue;
      }
      if (frame.ttlMs !== undefined && deadlineAt !== Infinity) frame.ttlMs = Math.ceil(deadlineAt - now);
      bytes += frame.body.length;
      addresses += adds;
      batch.push(item);
    }
    this.#queue = this.#queue.slice(taken);
    return batch;
  }

  #send(batch: readonly Item<R>[]): void {
    if (batch.length === 0) return;
    this.#inFlight += 1;
    this.#append(batch).then(
      (result) => this.#settle(batch, undefined, result),
      (error: unknown) => this.#settle(batch, asError(error), undefined),
    );
  }

  #append(batch: readonly Item<R>[]): Promise<R> {
    try {
      const entry = encodeEntry(batch.map((item) => item.frame));
      const waitedMs = this.#options.clock.now() - (batch[0]?.queuedAt ?? 0);
      this.#options.onBatch(batch.length, entry.length, waitedMs);
      return this.#options.append(entry, batch.length);
    } catch (error) {
      return Promise.reject(asError(error));
    }
  }

  #settle(batch: readonly Item<R>[], error: Error | undefined, result: R | undefined): void {
    this.#inFlight -= 1;
    for (const item of batch) item.done(error, result);
    if (this.#queue.length > 0) this.#schedule();
  }
}

/** Addresses a frame may add to the string table: none when it has those of the frame before it, as most do. */
const newAddresses = (next: Frame, before: Frame | undefined): number =>
  before?.replyTo === next.replyTo && before?.route === next.route && before?.from === next.from
    ? 0
    : ADDRESSES_PER_FRAME;

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new BusUnavailable('the append failed', { cause: error });
