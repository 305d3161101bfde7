import type { Clock } from './clock.ts';
import { type DeadlineWheel, Timed } from './deadline-wheel.ts';
import { BusDeadline } from './errors.ts';
import { CODEC, type Codec, creditCost } from './wire/frame.ts';
import { encodePayload } from './wire/payload.ts';

/** Bytes of one DATA frame: the chunk of the content layer, so that one chunk is one frame. */
const DATA_BYTES = 64 * 1024;

export interface OutgoingOptions {
  readonly clock: Clock;
  readonly wheel: DeadlineWheel;
  /** Bytes the receiver accepts before it gives credit. */
  readonly credit: number;
  readonly idleMs: number;
  readonly items: 'bytes' | 'values';
  /** Sends one DATA frame. Throws when the frame is over a limit. */
  readonly send: (seq: number, codec: Codec, body: Uint8Array) => void;
}

/** Why a stream stopped before its source was at its end. */
interface Stop {
  readonly error: unknown;
}

/**
 * Moves a source to a peer under the peer's credit, one frame per chunk. It sends while there is credit, so a frame may
 * overdraw it by less than its own size. The source's iterator is always returned, whatever ends the stream.
 */
export class OutgoingStream extends Timed {
  readonly #options: OutgoingOptions;
  #credit: number;
  #seq = 0;
  #stop: Stop | undefined;
  #interrupt: ((error: unknown) => void) | undefined;
  #wake: (() => void) | undefined;
  #progressAt: number;

  constructor(options: OutgoingOptions) {
    super();
    this.#options = options;
    this.#credit = options.credit;
    this.#progressAt = options.clock.now();
  }

  /** DATA frames sent: what END says. */
  get frames(): number {
    return this.#seq;
  }

  addCredit(bytes: number): void {
    this.#credit += bytes;
    this.#progressAt = this.#options.clock.now();
    if (this.#credit <= 0) return;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Stops: `run` rejects with `error`. */
  cancel(error: unknown): void {
    if (this.#stop !== undefined) return;
    this.#stop = { error };
    this.#interrupt?.(error);
  }

  onDue(): void {
    const { clock, wheel, idleMs } = this.#options;
    if (clock.now() - this.#progressAt >= idleMs) {
      this.cancel(new BusDeadline(`the stream moved no byte for ${idleMs} ms`));
    } else {
      wheel.add(this.#progressAt + idleMs, this);
    }
  }

  /** Sends the whole source. Rejects with what the source threw, or with what the stream was canceled with. */
  async run(source: AsyncIterable<unknown>): Promise<void> {
    const { wheel, idleMs } = this.#options;
    const iterator = source[Symbol.asyncIterator]();
    wheel.add(this.#progressAt + idleMs, this);
    try {
      for (;;) {
        if (this.#stop !== undefined) throw this.#stop.error;
        if (this.#credit <= 0) await this.#credited();
        const step = await this.#interruptible(iterator.next());
        if (step.done === true) return;
        await this.#sendItem(step.value);
      }
    } catch (error) {
      // Not awaited: a generator returns only when its pending step ends, and the peer must not wait for that.
      void Promise.resolve(iterator.return?.()).catch(() => undefined);
      throw error;
    } finally {
      wheel.remove(this);
    }
  }

  #credited(): Promise<void> {
    return this.#interruptible(
      new Promise((resolve) => {
        this.#wake = resolve;
      }),
    );
  }

  async #sendItem(item: unknown): Promise<void> {
    if (this.#options.items === 'values') {
      const { codec, body } = encodePayload(item);
      this.#send(codec, body);
      return;
    }
    if (!(item instanceof Uint8Array)) throw new TypeError('a byte stream yields Uint8Arrays');
    for (let at = 0; at < item.length; at += DATA_BYTES) {
      if (at > 0 && this.#credit <= 0) await this.#credited();
      this.#send(CODEC.BYTES, at === 0 && item.length <= DATA_BYTES ? item : item.subarray(at, at + DATA_BYTES));
    }
  }

  #send(codec: Codec, body: Uint8Array): void {
    this.#options.send(this.#seq, codec, body);
    this.#seq += 1;
    this.#credit -= creditCost(body);
    this.#progressAt = this.#options.clock.now();
  }

  /** `wait`, unless the stream is stopped first. One slot instead of a race, so that nothing piles up per chunk. */
  #interruptible<T>(wait: Promise<T>): Promise<T> {
    if (this.#stop !== undefined) {
      void wait.catch(() => undefined);
      return Promise.reject(this.#stop.error);
    }
    return new Promise<T>((resolve, reject) => {
      this.#interrupt = reject;
      wait.then(resolve, reject);
    });
  }
}
