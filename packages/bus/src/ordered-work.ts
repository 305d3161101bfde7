import type { HandlerPort } from './bus-context.ts';
import type { BusCore } from './core.ts';
import { FrameError } from './errors.ts';
import { eventContext } from './event-context.ts';
import { OrderedConsumer, type OrderedDone } from './ordered-consumer.ts';
import type { WorkHandler } from './work-consumer.ts';
import type { Frame } from './wire/frame.ts';
import { decodePayload } from './wire/payload.ts';

/** Waits between the attempts of one event, in ms: twice as long each time, while its key waits and others go on. */
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5_000;

/** Runs one handler for the ordered events of a topic: an event that failed is tried again before the next of its key. */
export class OrderedWork {
  readonly consumer: OrderedConsumer;
  readonly #core: BusCore;
  readonly #port: HandlerPort;
  readonly #topic: string;
  readonly #handler: WorkHandler;
  #closed = false;

  constructor(core: BusCore, port: HandlerPort, topic: string, group: string, handler: WorkHandler) {
    this.#core = core;
    this.#port = port;
    this.#topic = topic;
    this.#handler = handler;
    this.consumer = new OrderedConsumer(core, { kind: 'work', topic, group }, (event, { attempt }, _waitedMs, done) =>
      this.#try(event, attempt, done),
    );
  }

  close(): void {
    this.#closed = true;
    this.consumer.close();
  }

  #try(event: Frame, attempt: number, done: OrderedDone): void {
    const { slots, limits, clock } = this.#core;
    if (attempt > limits.workAttempts) return done('max_deliveries');
    slots.submit(async () => {
      const succeeded = await this.#run(event, attempt);
      if (this.#closed) return;
      if (succeeded) return done();
      if (attempt >= limits.workAttempts) return done('max_deliveries');
      const wait = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (attempt - 1));
      clock.after(wait, () => {
        if (!this.#closed) this.#try(event, attempt + 1, done);
      });
    });
  }

  async #run(event: Frame, attempt: number): Promise<boolean> {
    const payload = decodePayload(event.codec, event.body);
    const context = eventContext(event, this.#topic, attempt, this.#port);
    const holder = this.#core.running.enter(`ordered work ${this.#topic}`);
    try {
      if (payload instanceof FrameError) throw payload;
      await this.#handler(payload, context);
      return true;
    } catch (error) {
      this.#core.onHandlerError(error, context);
      return false;
    } finally {
      this.#core.running.leave(holder);
      context.release();
    }
  }
}
