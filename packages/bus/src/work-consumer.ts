import type { BusContext, HandlerPort } from './bus-context.ts';
import { decodeEntry } from './wire/codec.ts';
import type { BusCore } from './core.ts';
import { FrameError } from './errors.ts';
import { type Frame, frame, KIND } from './wire/frame.ts';
import { eventContext } from './event-context.ts';
import type { Consumer, DeadLetterReason, Delivery } from './link.ts';
import { decodePayload } from './wire/payload.ts';

/** Handles a work event; what it throws means: deliver it again later. Deliveries may repeat, so it is idempotent. */
export type WorkHandler = (event: unknown, context: BusContext) => unknown;

/**
 * Runs one handler for the events of a topic. An entry is settled when all its events are done. An event that failed is
 * delivered again after the link's idle time, and after the last attempt it is a dead letter; events that shared its
 * entry are not run again for it.
 */
export class WorkConsumer {
  readonly #core: BusCore;
  readonly #port: HandlerPort;
  readonly #topic: string;
  readonly #handler: WorkHandler;
  readonly #running = new Set<string>();
  #consumer: Consumer | undefined;
  #forget: (() => void) | undefined;
  #closed = false;

  constructor(core: BusCore, port: HandlerPort, topic: string, handler: WorkHandler) {
    this.#core = core;
    this.#port = port;
    this.#topic = topic;
    this.#handler = handler;
  }

  async start(group: string): Promise<void> {
    const consumer = await this.#core.link.consumeWork(this.#topic, group, this.#core.instance, {
      credits: () => this.#core.slots.credits(),
      onDelivery: (delivery) => this.#onDelivery(delivery),
    });
    this.#consumer = consumer;
    this.#forget = this.#core.slots.onCredits(() => consumer.wake());
  }

  async stop(): Promise<void> {
    this.#forget?.();
    await this.#consumer?.stop();
  }

  /** What finishes from here on is not settled: another instance gets it again. */
  close(): void {
    this.#closed = true;
  }

  #onDelivery(delivery: Delivery): void {
    // Taken back from a slow handler and given to the same instance: the first run settles it.
    if (this.#running.has(delivery.id)) return;
    const { metrics, limits } = this.#core;
    if (delivery.attempt > 1) metrics.redelivered.inc();
    const frames = decodeEntry(delivery.entry);
    if (frames instanceof FrameError) {
      metrics.malformed.inc();
      return this.#deadLetter(delivery, 'malformed');
    }
    metrics.received.inc({ kind: 'work' }, frames.length);
    const { ageMs, attempt } = delivery;
    this.#core.hooks?.receive({ kind: 'work', name: this.#topic, lane: 'none', frames, ageMs, attempt });
    this.#running.add(delivery.id);
    if (delivery.attempt > limits.workAttempts) return void this.#finish(delivery, frames, frames);
    const failed: Frame[] = [];
    let left = frames.length;
    for (const each of frames) {
      this.#core.slots.submit(async () => {
        if (!(await this.#run(each, attemptsOf(each, delivery)))) failed.push(each);
        left -= 1;
        if (left === 0 && !this.#closed) await this.#finish(delivery, frames, failed);
      });
    }
  }

  async #run(event: Frame, attempt: number): Promise<boolean> {
    const payload = decodePayload(event.codec, event.body);
    const context = eventContext(event, this.#topic, attempt, this.#port);
    const { hooks, service } = this.#core;
    const handling = hooks?.handle(context, event, { kind: 'work', service, queueMs: 0 });
    try {
      if (payload instanceof FrameError) throw payload;
      const handle = (): unknown => this.#handler(payload, context);
      await (handling === undefined ? handle() : handling.run(handle));
      handling?.end();
      return true;
    } catch (error) {
      handling?.end(error);
      this.#core.onHandlerError(error, context);
      return false;
    } finally {
      context.release();
    }
  }

  async #finish(delivery: Delivery, frames: readonly Frame[], failed: readonly Frame[]): Promise<void> {
    this.#running.delete(delivery.id);
    const [first] = failed;
    if (first === undefined) return this.#consumer?.settle(delivery);
    if (frames.length === 1) {
      if (attemptsOf(first, delivery) >= this.#core.limits.workAttempts) this.#deadLetter(delivery, 'max_deliveries');
      else this.#consumer?.release(delivery);
      return;
    }
    const appended = await Promise.all(failed.map((each) => this.#appendAlone(each, attemptsOf(each, delivery))));
    if (appended.every(Boolean)) this.#consumer?.settle(delivery);
    else this.#consumer?.release(delivery);
  }

  /** Writes an event again as an entry of its own, so that it fails alone. */
  #appendAlone(event: Frame, attempt: number): Promise<boolean> {
    return new Promise((resolve) => {
      const again = frame(KIND.EVT, { ...event, attempt });
      this.#core.outbox.toWork(this.#topic, again, Infinity, (error) => resolve(error === undefined));
    });
  }

  #deadLetter(delivery: Delivery, reason: DeadLetterReason): void {
    this.#core.metrics.deadLetters.inc({ reason });
    // A dead letter that could not be written stays pending and comes back.
    void this.#consumer?.deadLetter(delivery, reason).catch(() => undefined);
  }
}

const attemptsOf = (event: Frame, delivery: Delivery): number => (event.attempt ?? 0) + delivery.attempt;
