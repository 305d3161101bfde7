import { type CounterCell, Holders, type MetricsScope, type Occupancy } from '@macronode/metrics';
import type { BusContext, BusHandler, HandlerPort, ServeOptions } from './bus-context.ts';
import { type BusLimits, DEFAULT_BUS_LIMITS } from './bus-limits.ts';
import { Caller, type Target, type ValueObserver } from './caller.ts';
import { type Clock, systemClock } from './clock.ts';
import { decodeEntry } from './wire/codec.ts';
import type { BusCore } from './core.ts';
import { CreditBudget } from './credit-budget.ts';
import { DeadlineWheel } from './deadline-wheel.ts';
import { showDepths } from './depths.ts';
import { BusClosed, BusUnavailable, FrameError } from './errors.ts';
import { KIND } from './wire/frame.ts';
import { HandlerSlots } from './handler-slots.ts';
import { type BusHooks, HookRunner } from './hooks.ts';
import { type HintHandler, HintReader, type LagListener } from './hint-reader.ts';
import { byteStream, EMPTY_STREAM } from './incoming-stream.ts';
import type { Link, LinkStatus } from './link.ts';
import { busMetrics, type BusMetrics } from './metrics.ts';
import { OrderedWork } from './ordered-work.ts';
import { Outbox } from './outbox.ts';
import { PeerCalls } from './peer-calls.ts';
import { Publisher } from './publisher.ts';
import { RequestConsumer } from './request-consumer.ts';
import { RequestServer } from './request-server.ts';
import type { BusSubject, BusTopic, ByteStream, CallContext, StreamTicket } from './subject.ts';
import { type WorkHandler, WorkConsumer } from './work-consumer.ts';

export type BusStatus = 'connecting' | 'ready' | 'reconnecting' | 'draining' | 'closed';

export interface BusOptions {
  /** The service this bus speaks for: its subjects begin with `<service>.`. */
  readonly service: string;
  /** The medium, started by `start()` if it is not. It is closed by whoever made it, after its buses. */
  readonly link: Link;
  readonly metrics: MetricsScope;
  readonly limits?: Partial<BusLimits> | undefined;
  /** Address of this instance's inbox, at most 255 bytes; unique in the medium. A random one by default. */
  readonly instance?: string | undefined;
  readonly clock?: Clock | undefined;
  /** Told of what is sent, received and handled, for spans. Absent, they cost nothing. */
  readonly hooks?: BusHooks | undefined;
  /**
   * Serves requests with an order key, one after another for each key. Default false: without it they are refused with
   * BusNoResponders. Costs a connection and a few Redis commands a minute.
   */
  readonly ordered?: boolean | undefined;
  /** Told of every error a handler threw that is not a domain error, for the log. Callers see a neutral one. */
  readonly onHandlerError?: ((error: unknown, context: BusContext) => void) | undefined;
}

/** How long callers wait for this service to come back instead of being refused, in ms. */
const RESTARTING_MS = 10_000;
const DRAIN_POLL_MS = 10;

/**
 * One service instance's access to the bus: it calls, serves, streams, and follows events.
 *
 * Rejections of `call`, `read`, `write` and `publish*`: BusOverflow (a bound is full), BusDeadline, BusNoResponders,
 * BusUnavailable, BusOutcomeUnknown, BusPayloadTooLarge, BusClosed; RemoteError with what the handler answered; and the
 * reason of the caller's own signal.
 */
export class Bus implements AsyncDisposable {
  readonly service: string;
  /** The address of this instance's inbox. */
  readonly instance: string;
  readonly #core: BusCore;
  readonly #received: CounterCell;
  readonly #caller: Caller;
  readonly #publisher: Publisher;
  readonly #server: RequestServer;
  readonly #peers: PeerCalls;
  readonly #port: HandlerPort;
  readonly #work: { readonly group: string; readonly consumer: WorkConsumer; readonly topic: string }[] = [];
  readonly #orderedWork: OrderedWork[] = [];
  readonly #hints: HintReader[] = [];
  readonly #listeners = new Set<(status: BusStatus) => void>();
  #requests: RequestConsumer | undefined;
  #joining: Promise<void> | undefined;
  #inbox: { close(): Promise<void> } | undefined;
  #starting: Promise<void> | undefined;
  #started = false;
  #ending: 'draining' | 'closed' | undefined;
  #lastStatus: BusStatus = 'connecting';
  readonly #cleanups: (() => void)[] = [];

  constructor(options: BusOptions) {
    this.service = options.service;
    this.instance = options.instance ?? `${options.service}.${crypto.randomUUID()}`;
    const clock = options.clock ?? systemClock;
    const limits = Object.freeze({ ...DEFAULT_BUS_LIMITS, ...options.limits });
    const metrics = options.metrics.bind(busMetrics);
    this.#core = {
      service: this.service,
      instance: this.instance,
      link: options.link,
      clock,
      limits,
      metrics,
      wheel: new DeadlineWheel(clock),
      budget: new CreditBudget(limits.processCredit),
      outbox: new Outbox(options.link, clock, metrics),
      slots: new HandlerSlots(limits, clock, metrics),
      running: new Holders(),
      hooks: options.hooks === undefined ? undefined : new HookRunner(options.hooks, metrics.hookFailures),
      ordered: options.ordered ?? false,
      onHandlerError: options.onHandlerError ?? (() => undefined),
    };
    this.#caller = new Caller(this.#core);
    this.#publisher = new Publisher(this.#core, this.#caller.calls);
    this.#peers = new PeerCalls(this.#core);
    this.#port = this.#makePort();
    this.#server = new RequestServer(this.#core, this.#peers, this.#port);
    this.#received = metrics.received.cell({ kind: 'inbox' });
    metrics.credits.collect(() => this.#core.slots.free);
    metrics.linkState.collect(() => Number(options.link.status() === 'ready'));
    metrics.streamCreditBytes.collect(() => this.#core.budget.used);
    this.#cleanups.push(
      options.metrics.refresher('bus depths', () => this.#readDepths(metrics)),
      options.link.onStatus((status) => this.#onLinkStatus(status)),
      options.metrics.occupied(() => this.#occupancies()),
    );
  }

  /** Opens the inbox and serves what has handlers. Repeated after more handlers were registered, it resolves when they are served. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting.then(() => this.#join());
  }

  /**
   * Registers the handler of a subject of this service, before or after `start()`. With `idempotent: false` a request is
   * started at most once; its caller gets `BusOutcomeUnknown` where the first run was lost.
   */
  serve(subject: string, handler: BusHandler, options: ServeOptions = {}): void {
    if (!subject.startsWith(`${this.service}.`)) throw new Error(`${subject} is not a subject of ${this.service}`);
    this.#server.serve(subject, handler, options);
    // After this turn, so that all handlers registered together are there before the first request.
    if (this.#started) setImmediate(() => void this.#join().catch(() => undefined));
  }

  /** One request, one answer. A payload that is a Uint8Array travels as it is, as a view on the other side. */
  call<Request, Reply>(subject: BusSubject<Request, Reply>, payload: Request, context: CallContext): Promise<Reply> {
    const closed = this.#refusal();
    if (closed !== undefined) return Promise.reject(closed);
    // The reply's schema is the other side's promise; both read the same constant.
    return this.#caller.call(subject, payload, context) as Promise<Reply>;
  }

  /**
   * A call whose answer is followed by bytes. They are sent as fast as `body` is read; a body that is neither read to
   * its end nor canceled is ended after the idle timeout. Each chunk is a view that may be kept.
   */
  async read<Request, Reply>(
    subject: BusSubject<Request, Reply>,
    payload: Request,
    context: CallContext,
  ): Promise<{ head: Reply; body: ByteStream }> {
    const closed = this.#refusal();
    if (closed !== undefined) throw closed;
    const { head, body } = await this.#caller.read(subject, payload, context, (_codec, bytes) => bytes);
    return { head: head as Reply, body: body === undefined ? EMPTY_STREAM : byteStream(body) };
  }

  /**
   * A request to the one instance a ticket names, with the bytes of `source` behind it. A chunk belongs to the bus from
   * the moment it is yielded. The source's iterator is always returned.
   */
  async write<Request, Reply>(
    ticket: StreamTicket,
    subject: BusSubject<Request, Reply>,
    payload: Request,
    source: AsyncIterable<Uint8Array>,
    context: CallContext,
  ): Promise<Reply> {
    const closed = this.#refusal();
    if (closed !== undefined) throw closed;
    return (await this.#caller.write(ticket, subject, payload, source, context)) as Reply;
  }

  /** As `call`, told by callbacks, when the answer may be a stream of values. What it returns ends the call. */
  observe(subject: Target, payload: unknown, context: CallContext, observer: ValueObserver): (reason: unknown) => void {
    const closed = this.#refusal();
    if (closed === undefined) return this.#caller.observe(subject, payload, context, observer);
    observer.error(closed);
    return () => undefined;
  }

  /** Publishes work: each group handles it at least once. Resolves when it is admitted; a full stream refuses. */
  async publishWork<Event>(topic: BusTopic<Event>, event: Event, context: CallContext): Promise<void> {
    this.#assertOpen();
    return this.#publisher.work(topic.name, event, context);
  }

  /** Publishes a hint: every reader sees it or learns that it lost some. Never refused for a slow reader. */
  async publishHint<Event>(topic: BusTopic<Event>, event: Event, context: CallContext): Promise<void> {
    this.#assertOpen();
    return this.#publisher.hint(topic.name, event, context);
  }

  /** Handles the work events of a topic as one of its group. Resolves when it reads (at once before `start()`). */
  async onWork(topic: string, group: string, handler: WorkHandler): Promise<void> {
    const consumer = new WorkConsumer(this.#core, this.#port, topic, handler);
    this.#work.push({ group, consumer, topic });
    if (this.#started) await consumer.start(group);
  }

  /**
   * Handles the work events of a topic that carry an order key, one after another for each key: an event that failed is
   * tried again before the next of its key. Those without a key go to `onWork`.
   */
  async onOrderedWork(topic: string, group: string, handler: WorkHandler): Promise<void> {
    const work = new OrderedWork(this.#core, this.#port, topic, group, handler);
    this.#orderedWork.push(work);
    if (this.#started) await work.consumer.start();
  }

  /**
   * Follows the hints of a topic. `onLag` is told how many were lost, before the hint that follows them; that one waits
   * until the snapshot is read again, when `onLag` is asynchronous.
   */
  async onHint(topic: string, handler: HintHandler, onLag: LagListener): Promise<void> {
    const reader = new HintReader(this.#core, this.#port, topic, handler, onLag);
    this.#hints.push(reader);
    if (this.#started) await reader.start();
  }

  status(): BusStatus {
    if (this.#ending !== undefined) return this.#ending;
    if (!this.#started) return 'connecting';
    return this.#core.link.status();
  }

  /** Called on every change, not with the present status. The answer ends it. */
  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops reading, refuses new calls, finishes what runs within `timeoutMs`, then closes. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.#ending !== undefined) return this.close();
    this.#ending = 'draining';
    this.#notify();
    const { clock, link, slots, outbox } = this.#core;
    const startedAt = clock.now();
    const until = startedAt + timeoutMs;
    if (this.#server.size > 0) await link.markRestarting(this.service, RESTARTING_MS).catch(() => undefined);
    this.#server.drain();
    await this.#stopReading();
    slots.endParked();
    const idle = (): boolean =>
      slots.idle &&
      (this.#requests?.idle ?? true) &&
      this.#orderedWork.every(({ consumer }) => consumer.idle) &&
      !this.#server.awaitsUploads &&
      this.#peers.size === 0 &&
      this.#caller.idle &&
      outbox.idle;
    while (!idle() && clock.now() < until) {
      await new Promise<void>((resolve) => {
        clock.after(DRAIN_POLL_MS, resolve);
      });
    }
    await this.close();
    this.#core.metrics.drainSeconds.set((clock.now() - startedAt) / 1_000);
  }

  /** Ends everything now: pending calls get BusClosed, running handlers are aborted and what they did not settle is delivered again. */
  async close(): Promise<void> {
    if (this.#ending === 'closed') return;
    const drained = this.#ending === 'draining';
    this.#ending = 'closed';
    const error = new BusClosed();
    this.#server.close();
    for (const { consumer } of this.#work) consumer.close();
    for (const work of this.#orderedWork) work.close();
    this.#requests?.close();
    this.#core.slots.clear();
    this.#caller.abortAll(error);
    this.#peers.abortAll(error);
    if (!drained) await this.#stopReading();
    await this.#inbox?.close();
    this.#core.wheel.close();
    for (const cleanup of this.#cleanups) cleanup();
    this.#notify();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    if (this.#ending !== undefined) throw new BusClosed(`the bus is ${this.#ending}`);
    const { link } = this.#core;
    if (link.status() === 'connecting') await link.start();
    this.#inbox = await link.openInbox(this.instance, (entry) => this.#onInbox(entry));
    this.#started = true;
    await Promise.all([
      this.#join(),
      ...this.#work.map(({ group, consumer }) => consumer.start(group)),
      ...this.#orderedWork.map(({ consumer }) => consumer.start()),
      ...this.#hints.map((reader) => reader.start()),
    ]);
    this.#notify();
  }

  /** Every bound of this bus that something can wait at, and the handlers under way. */
  #occupancies(): readonly Occupancy[] {
    const { slots, running, outbox, budget } = this.#core;
    return [
      ...slots.occupancies(running.oldestMs()),
      ...[...running.byLabel()].map(([name, { count, oldestMs }]) => ({
        kind: 'handler' as const,
        name,
        held: count,
        oldestMs,
      })),
      ...this.#caller.calls.occupancies(),
      ...outbox.occupancies(),
      budget.occupancy(),
      this.#peers.occupancy(),
      ...this.#work.map(({ consumer }) => consumer.occupancy()),
      ...this.#orderedWork.map(({ consumer }) => consumer.occupancy()),
      ...this.#hints.map((reader) => reader.occupancy()),
    ];
  }

  /** Joins the group of the service once there is something to serve. */
  #join(): Promise<void> {
    if (this.#server.size === 0 || this.#ending !== undefined) return Promise.resolve();
    if (this.#joining === undefined) {
      this.#requests = new RequestConsumer(this.#core, this.#server);
      this.#joining = this.#requests.start();
    }
    return this.#joining;
  }

  async #stopReading(): Promise<void> {
    await this.#joining?.catch(() => undefined);
    const work = [...this.#work, ...this.#orderedWork].map(({ consumer }) => consumer);
    const readers = [this.#requests, ...work, ...this.#hints];
    await Promise.allSettled(readers.flatMap((reader) => (reader === undefined ? [] : [reader.stop()])));
  }

  #onInbox(entry: Uint8Array): void {
    const frames = decodeEntry(entry);
    if (frames instanceof FrameError) return this.#core.metrics.malformed.inc();
    this.#received.inc(frames.length);
    for (const each of frames) {
      if (each.kind === KIND.REQ) this.#server.acceptWrite(each);
      else if (each.replyTo === undefined) this.#caller.onFrame(each);
      else if (each.call !== undefined) this.#peers.onFrame(each.replyTo, each.call, each);
      else this.#core.metrics.malformed.inc();
    }
  }

  #makePort(): HandlerPort {
    const { clock, wheel, slots } = this.#core;
    return {
      instance: this.instance,
      initialCredit: this.#core.limits.streamCreditInitial,
      now: () => clock.now(),
      watchDeadline: (at, controller) => {
        if (at === Infinity) return () => undefined;
        const due = wheel.runAt(at, () => controller.abort(new DOMException('the deadline passed', 'TimeoutError')));
        return () => wheel.remove(due);
      },
      // Allowed while draining: a request that runs may still need an answer to be finished.
      callFrom: async <Request, Reply>(
        context: BusContext,
        subject: BusSubject<Request, Reply>,
        payload: Request,
        signal: AbortSignal | undefined,
      ): Promise<Reply> => {
        const { corrId, traceparent, tracestate, principal, metadata } = context;
        const ttlMs = Math.min(subject.deadlineMs, context.remainingMs());
        const own: CallContext = { corrId, ttlMs, traceparent, tracestate, principal, metadata, signal };
        return (await this.#caller.call(subject, payload, own)) as Reply;
      },
      park: (wait) => slots.park(wait),
      ticketed: () => this.#server.ticketed(),
    };
  }

  async #readDepths(metrics: BusMetrics): Promise<void> {
    const topics = new Set(this.#work.map(({ topic }) => topic));
    const own = (await this.#core.link.readings()).filter(({ stream, name }) =>
      stream === 'inbox' ? name === this.instance : stream === 'work' ? topics.has(name) : name === this.service,
    );
    showDepths(metrics, own);
  }

  #onLinkStatus(status: LinkStatus): void {
    if (status === 'ready' && this.#lastStatus === 'reconnecting') this.#core.metrics.reconnects.inc();
    this.#notify();
  }

  #notify(): void {
    const status = this.status();
    if (status === this.#lastStatus) return;
    this.#lastStatus = status;
    for (const listener of this.#listeners) listener(status);
  }

  /** Why a call cannot be made, counted as the call it would have been. */
  #refusal(): BusClosed | BusUnavailable | undefined {
    const refusal = this.#notOpen();
    if (refusal !== undefined) this.#caller.calls.countRefused(refusal);
    return refusal;
  }

  #assertOpen(): void {
    const closed = this.#notOpen();
    if (closed !== undefined) throw closed;
  }

  #notOpen(): BusClosed | BusUnavailable | undefined {
    if (this.#ending !== undefined) return new BusClosed(`the bus is ${this.#ending}`);
    // Without an inbox there is nowhere to answer to.
    return this.#started ? undefined : new BusUnavailable('the bus is not started');
  }
}
