import type { Occupancy } from '@macronode/metrics';
import type { BusContext, HandlerPort } from './bus-context.ts';
import { decodeEntry } from './wire/codec.ts';
import type { BusCore } from './core.ts';
import { FrameError } from './errors.ts';
import type { Frame } from './wire/frame.ts';
import { eventContext } from './event-context.ts';
import type { Consumer, Delivery } from './link.ts';
import { decodePayload } from './wire/payload.ts';
import { WORK_DONE, WorkEntry, type WorkHost } from './work-entry.ts';

/**
 * Handles a work event; what it throws means: run it again, after a backoff or the error's own `retryAfterMs`. An error
 * that says `retryable: false` makes the event a dead letter at once. Deliveries may repeat, so it is idempotent.
 */
export type WorkHandler = (event: unknown, context: BusContext) => unknown;

/**
 * Runs one handler for the events of a topic. An entry is settled when all its events are done or put aside; an event
 * that fails runs again alone, here, and after the last attempt it alone is a dead letter.
 */
export class WorkConsumer {
  readonly #core: BusCore;
  readonly #port: HandlerPort;
  readonly #topic: string;
  readonly #handler: WorkHandler;
  readonly #entries = new Map<string, WorkEntry>();
  #host: WorkHost | undefined;
  #forget: (() => void) | undefined;
  #draining = false;

  constructor(core: BusCore, port: HandlerPort, topic: string, handler: WorkHandler) {
    this.#core = core;
    this.#port = port;
    this.#topic = topic;
    this.#handler = handler;
  }

  async start(group: string): Promise<void> {
    const early: Delivery[] = [];
    const consumer = await this.#core.link.consumeWork(this.#topic, group, this.#core.instance, {
      credits: () => this.#core.slots.credits(),
      onDelivery: (delivery) => {
        if (this.#host === undefined) early.push(delivery);
        else this.#onDelivery(this.#host, delivery);
      },
    });
    this.#host = this.#makeHost(consumer);
    this.#forget = this.#core.slots.onCredits(() => consumer.wake());
    // A link may deliver before it says who reads.
    for (const delivery of early) this.#onDelivery(this.#host, delivery);
  }

  /** Stops reading. What waits for another run is given back at once, what runs is finished. */
  async stop(): Promise<void> {
    this.#draining = true;
    this.#forget?.();
    await this.#host?.consumer.stop();
    for (const entry of [...this.#entries.values()]) entry.drain();
  }

  /** What finishes from here on is not settled: another instance gets it again. */
  close(): void {
    this.#draining = true;
    for (const entry of this.#entries.values()) entry.abandon();
    this.#entries.clear();
  }

  /** Entries that are not settled yet: their events run, or wait for another run. */
  occupancy(): Occupancy {
    return { kind: 'queue', name: `work entries ${this.#topic}`, held: this.#entries.size };
  }

  #onDelivery(host: WorkHost, delivery: Delivery): void {
    // Taken back from a slow handler and given to the same instance: the first run settles it.
    if (this.#entries.has(delivery.id)) return;
    const { metrics } = this.#core;
    if (delivery.attempt > 1) metrics.redelivered.inc();
    const frames = decodeEntry(delivery.entry);
    if (frames instanceof FrameError) return this.#malformed(host.consumer, delivery);
    metrics.received.inc({ kind: 'work' }, frames.length);
    const { ageMs, attempt } = delivery;
    this.#core.hooks?.receive({ kind: 'work', name: this.#topic, lane: 'none', frames, ageMs, attempt });
    const entry = new WorkEntry(host, delivery, frames);
    this.#entries.set(delivery.id, entry);
    if (this.#draining) entry.drain();
    else entry.start();
  }

  #malformed(consumer: Consumer, delivery: Delivery): void {
    this.#core.metrics.malformed.inc();
    consumer.deadLetter(delivery, 'malformed').then(
      () => this.#core.metrics.deadLetters.inc({ reason: 'malformed' }),
      // It comes back and is tried again.
      () => consumer.release(delivery),
    );
  }

  #makeHost(consumer: Consumer): WorkHost {
    const { limits, clock, slots, metrics } = this.#core;
    return {
      topic: this.#topic,
      limits,
      clock,
      slots,
      consumer,
      run: (event, attempt) => this.#run(event, attempt),
      onRetry: () => metrics.workRetries.inc(),
      onDeadLetter: (reason) => metrics.deadLetters.inc({ reason }),
      onMalformed: () => metrics.malformed.inc(),
      onEnd: (id) => this.#entries.delete(id),
    };
  }

  async #run(event: Frame, attempt: number): Promise<unknown> {
    const payload = decodePayload(event.codec, event.body);
    if (payload instanceof FrameError) {
      this.#core.metrics.malformed.inc();
      return payload;
    }
    const context = eventContext(event, this.#topic, attempt, this.#port);
    const { hooks, service } = this.#core;
    const handling = hooks?.handle(context, event, { kind: 'work', service, queueMs: 0 });
    const holder = this.#core.running.enter(`work ${this.#topic}`);
    try {
      const handle = (): unknown => this.#handler(payload, context);
      await (handling === undefined ? handle() : handling.run(handle));
      handling?.end();
      return WORK_DONE;
    } catch (error) {
      handling?.end(error);
      this.#core.onHandlerError(error, context);
      return error;
    } finally {
      this.#core.running.leave(holder);
      context.release();
    }
  }
}
