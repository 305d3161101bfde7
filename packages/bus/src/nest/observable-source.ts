import type { Observable, Subscription } from 'rxjs';
import { BusOverflow } from '../errors.ts';

/** Values an Observable may be ahead of its reader (count): it cannot be paused, so beyond that it is ended. */
const VALUES_AHEAD = 4_096;

interface Waiting {
  readonly resolve: (step: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** An Observable as something to be read: subscribed at once, its values held until they are asked for. */
export class ObservableSource implements AsyncIterableIterator<unknown, undefined> {
  readonly #values: unknown[] = [];
  readonly #subscription: Subscription;
  #waiting: Waiting | undefined;
  #first: (() => void) | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(observable: Observable<unknown>) {
    this.#subscription = observable.subscribe({
      next: (value) => this.#push(value),
      error: (error: unknown) => this.#end({ error }),
      complete: () => this.#end(undefined),
    });
    if (this.#ended) this.#subscription.unsubscribe();
  }

  /**
   * Waits for the first value or the end, and shows it without taking it.
   * Rejects with the error of an Observable that failed before its first value.
   */
  async peek(): Promise<unknown> {
    if (this.#values.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#first = resolve;
      });
    }
    if (this.#values.length === 0 && this.#failure !== undefined) throw this.#failure.error;
    return this.#values[0];
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#values.length > 0) return Promise.resolve({ done: false, value: this.#values.shift() });
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#end(undefined);
    this.#values.length = 0;
    this.#subscription.unsubscribe();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #push(value: unknown): void {
    if (this.#ended) return;
    if (this.#waiting !== undefined) {
      this.#waiting.resolve({ done: false, value });
      this.#waiting = undefined;
    } else if (this.#values.length < VALUES_AHEAD) {
      this.#values.push(value);
    } else {
      this.#end({ error: new BusOverflow('handler') });
    }
    this.#first?.();
  }

  #end(failure: { readonly error: unknown } | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    // A synchronous Observable ends before the constructor has its subscription.
    (this.#subscription as Subscription | undefined)?.unsubscribe();
    this.#first?.();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (failure === undefined) waiting?.resolve({ done: true, value: undefined });
    else waiting?.reject(failure.error);
  }
}
