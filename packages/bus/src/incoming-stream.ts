import type { Clock } from './clock.ts';
import type { CreditBudget } from './credit-budget.ts';
import { type DeadlineWheel, Timed } from './deadline-wheel.ts';
import { BusCanceled, BusDeadline, BusUnavailable, FrameError } from './errors.ts';
import { type Codec, creditCost, type Frame, FRAME_LIMITS } from './wire/frame.ts';
import type { ByteStream } from './subject.ts';

export interface IncomingOptions<T> {
  readonly clock: Clock;
  readonly wheel: DeadlineWheel;
  readonly budget: CreditBudget;
  /** First window, reserved in the budget by whoever makes the stream. */
  readonly window: number;
  readonly windowMax: number;
  readonly idleMs: number;
  readonly read: (codec: Codec, body: Uint8Array) => T | FrameError;
  /** Tells the sender that it may send so many bytes more. */
  readonly grant: (bytes: number) => void;
  /** Tells the sender to stop. */
  readonly cancelPeer: () => void;
  readonly onClosed: () => void;
}

interface Waiting<T> {
  readonly resolve: (step: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What a peer sends, in order, held until it is read. The sender never has more than the window on its way
 * (plus at most one frame), and the window grows while the reader keeps pace.
 */
export class IncomingStream<T> extends Timed {
  readonly #options: IncomingOptions<T>;
  #queue: { value: T; cost: number }[] = [];
  #waiting: Waiting<T> | undefined;
  #window: number;
  /** Received and not granted again: what counts against the window. */
  #outstanding = 0;
  #ungranted = 0;
  #nextSeq = 0;
  #ended = false;
  #error: unknown;
  #failed = false;
  #closed = false;
  #iterated = false;
  #progressAt: number;

  constructor(options: IncomingOptions<T>) {
    super();
    this.#options = options;
    this.#window = options.window;
    this.#progressAt = options.clock.now();
    options.wheel.add(this.#progressAt + options.idleMs, this);
  }

  /** False once it was read to its end, failed or was ended. */
  get isOpen(): boolean {
    return !this.#closed;
  }

  /** A DATA frame. What comes out of order was lost on the way, and what is over the window is a broken sender. */
  push(frame: Frame): void {
    if (this.#ended || this.#closed || frame.seq < this.#nextSeq) return;
    if (frame.seq > this.#nextSeq) return this.#refuse(new BusUnavailable('a part of the stream was lost'));
    this.#nextSeq += 1;
    const cost = creditCost(frame.body);
    this.#outstanding += cost;
    if (this.#outstanding > this.#window + FRAME_LIMITS.frameBytes)
      return this.#refuse(new BusUnavailable('the sender overran its credit'));
    const value = this.#options.read(frame.codec, frame.body);
    if (value instanceof FrameError) return this.#refuse(new BusUnavailable('unreadable data', { cause: value }));
    this.#progressAt = this.#options.clock.now();
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#queue.push({ value, cost });
      return;
    }
    this.#waiting = undefined;
    this.#consumed(cost);
    waiting.resolve({ done: false, value });
  }

  /** The sender is done: `frames` is how many DATA frames it sent. */
  end(frames: number): void {
    if (this.#ended || this.#closed) return;
    if (frames !== this.#nextSeq) return this.#refuse(new BusUnavailable('a part of the stream was lost'));
    this.#ended = true;
    if (this.#queue.length > 0) return;
    this.#finish({ done: true, value: undefined });
  }

  /** The sender failed: what was received before is still read, then the error. */
  fail(error: unknown): void {
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    this.#failed = true;
    this.#error = error;
    if (this.#queue.length === 0) this.#throw();
  }

  /** Ends at once: a pending read and every later one throws `error`. The peer is not told. */
  abort(error: unknown): void {
    if (this.#closed) return;
    this.#failed = true;
    this.#error = error;
    this.#queue = [];
    this.#throw();
  }

  /** The reader wants no more. */
  cancel(reason = 'canceled by the reader'): void {
    if (this.#closed) return;
    if (!this.#ended) this.#options.cancelPeer();
    this.abort(new BusCanceled(reason));
  }

  onDue(): void {
    const idle = this.#options.clock.now() - this.#progressAt;
    if (idle < this.#options.idleMs) {
      return this.#options.wheel.add(this.#progressAt + this.#options.idleMs, this);
    }
    this.#refuse(new BusDeadline(`the stream moved no byte for ${this.#options.idleMs} ms`));
  }

  iterate(): AsyncIterator<T, undefined> {
    if (this.#iterated) throw new Error('a stream is read once');
    this.#iterated = true;
    return {
      next: () => this.#next(),
      return: () => {
        this.cancel('the reader left');
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    const head = this.#queue.shift();
    if (head !== undefined) {
      this.#consumed(head.cost);
      if (this.#ended && this.#queue.length === 0 && !this.#failed) this.#close();
      return Promise.resolve({ done: false, value: head.value });
    }
    if (this.#failed) {
      this.#close();
      return Promise.reject(this.#error);
    }
    if (this.#ended) {
      this.#close();
      return Promise.resolve({ done: true, value: undefined });
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #consumed(cost: number): void {
    this.#progressAt = this.#options.clock.now();
    this.#ungranted += cost;
    if (this.#ended || this.#ungranted < this.#window / 2) return;
    let grant = this.#ungranted;
    this.#outstanding -= grant;
    this.#ungranted = 0;
    const growth = Math.min(this.#window, this.#options.windowMax - this.#window);
    if (growth > 0 && this.#queue.length === 0 && this.#options.budget.grow(growth)) {
      this.#window += growth;
      grant += growth;
    }
    this.#options.grant(grant);
  }

  #refuse(error: unknown): void {
    if (!this.#ended) this.#options.cancelPeer();
    this.abort(error);
  }

  #throw(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#close();
    waiting?.reject(this.#error);
  }

  #finish(step: IteratorResult<T, undefined>): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#close();
    waiting?.resolve(step);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = true;
    this.#options.wheel.remove(this);
    this.#options.budget.release(this.#window);
    this.#options.onClosed();
  }
}

/** The public face of a stream of bytes. */
export const byteStream = (stream: IncomingStream<Uint8Array>): ByteStream => ({
  [Symbol.asyncIterator]: () => stream.iterate(),
  cancel: (reason?: string) => stream.cancel(reason),
});

/** A stream without bytes, for requests and replies that carry none. */
export const EMPTY_STREAM: ByteStream = Object.freeze({
  [Symbol.asyncIterator]: (): AsyncIterator<Uint8Array, undefined> => ({
    next: () => Promise.resolve({ done: true, value: undefined }),
  }),
  cancel: () => undefined,
});
