import type { HistogramCell } from '@macronode/metrics';
import { BusContext, type BusHandler, Forwarded, type HandlerPort, StreamReply } from './bus-context.ts';
import { frameFault } from './wire/codec.ts';
import type { BusCore } from './core.ts';
import { busRefusal, handlerError, isDomainError } from './error-body.ts';
import {
  type BusError,
  BusNoResponders,
  BusOutcomeUnknown,
  BusOverflow,
  BusPayloadTooLarge,
  BusUnavailable,
  FrameError,
} from './errors.ts';
import { ACCEPTS, type Frame, frame, KIND } from './wire/frame.ts';
import { byteStream, EMPTY_STREAM } from './incoming-stream.ts';
import type { ByteStream } from './subject.ts';
import { decodeMetadata, decodePayload, encodePayload } from './wire/payload.ts';
import { discard, type PeerCalls } from './peer-calls.ts';

/** A request that names its caller, its call and its subject. */
interface Request {
  readonly frame: Frame;
  readonly route: string;
  readonly caller: string;
  readonly call: number;
  readonly deadlineAt: number;
  readonly attempt: number;
  readonly body: ByteStream;
}

/** A request without a deadline of its own gets this one, in ms. */
const DEFAULT_TTL_MS = 5_000;

/** Pause before an answer is offered again to a link that is up, in ms. */
const RESEND_MS = 50;

/** Runs handlers for requests and sends what they answer: a value, a stream, an error, or the request itself to someone else. */
export class RequestServer {
  readonly #core: BusCore;
  readonly #peers: PeerCalls;
  readonly #port: HandlerPort;
  readonly #handlers = new Map<string, { handler: BusHandler; seconds: HistogramCell }>();
  #draining = false;
  #closed = false;
  /** Tickets given whose uploads have not come, and until when the last of them is waited for. */
  #tickets = 0;
  #ticketsUntil = 0;

  constructor(core: BusCore, peers: PeerCalls, port: HandlerPort) {
    this.#core = core;
    this.#peers = peers;
    this.#port = port;
  }

  get size(): number {
    return this.#handlers.size;
  }

  serve(subject: string, handler: BusHandler): void {
    if (this.#handlers.has(subject)) throw new Error(`${subject} has a handler already`);
    this.#handlers.set(subject, { handler, seconds: this.#core.metrics.handlerSeconds.cell({ subject }) });
  }

  drain(): void {
    this.#draining = true;
  }

  /** A handler gave a ticket for one upload to this instance. */
  ticketed(): void {
    this.#tickets = this.awaitsUploads ? this.#tickets + 1 : 1;
    this.#ticketsUntil = this.#core.clock.now() + this.#core.limits.ticketMs;
  }

  /** Whether holders of tickets may still come. */
  get awaitsUploads(): boolean {
    return this.#tickets > 0 && this.#core.clock.now() < this.#ticketsUntil;
  }

  close(): void {
    this.#closed = true;
  }

  /** A request from the service's stream. `done` runs when its answer is with the medium. */
  accept(received: Frame, ageMs: number, attempt: number, done: () => void): void {
    const request = this.#readRequest(received, ageMs, attempt, EMPTY_STREAM);
    if (request === undefined) return done();
    if (request.deadlineAt <= this.#core.clock.now()) {
      this.#core.metrics.expired.inc({ where: 'server' });
      return done();
    }
    this.#core.slots.submit(async () => {
      await this.#run(request);
      if (!this.#closed) done();
    });
  }

  /** A request sent straight to this instance's inbox by the holder of a ticket; its bytes follow. */
  acceptWrite(received: Frame): void {
    const { replyTo: caller, call } = received;
    if (caller === undefined || call === undefined) return this.#core.metrics.malformed.inc();
    const refuse = (error: BusError): void => {
      if (error instanceof BusOverflow) this.#core.metrics.overflow.inc({ gate: error.gate });
      this.#core.outbox.toInbox(caller, busRefusal(call, error), Infinity, () => undefined);
    };
    if (this.#draining && !this.awaitsUploads) return refuse(new BusUnavailable('the instance is draining'));
    this.#tickets = Math.max(0, this.#tickets - 1);
    if (!this.#core.slots.hasRoom()) return refuse(new BusOverflow('handler'));
    const body = this.#peers.openBody(caller, call);
    if (body === undefined) return refuse(new BusOverflow('credit'));
    const request = this.#readRequest(received, 0, 1, byteStream(body));
    if (request === undefined) return this.#peers.closeBody(caller, call);
    this.#core.slots.submit(async () => {
      await this.#run(request);
      this.#peers.closeBody(caller, call);
    });
  }

  #readRequest(received: Frame, ageMs: number, attempt: number, body: ByteStream): Request | undefined {
    const { route, replyTo: caller, call } = received;
    if (route === undefined || caller === undefined || call === undefined) {
      this.#core.metrics.malformed.inc();
      return undefined;
    }
    const deadlineAt = this.#core.clock.now() + (received.ttlMs ?? DEFAULT_TTL_MS) - ageMs;
    return { frame: received, route, caller, call, deadlineAt, attempt, body };
  }

  async #run(request: Request): Promise<void> {
    if (this.#closed) return;
    const { clock, metrics } = this.#core;
    if (request.deadlineAt <= clock.now()) return metrics.expired.inc({ where: 'server' });
    const served = this.#handlers.get(request.route);
    if (served === undefined) {
      const error = new BusNoResponders(`${this.#core.service} has no handler for this subject`);
      return this.#send(request, busRefusal(request.call, error));
    }
    const payload = decodePayload(request.frame.codec, request.frame.body);
    if (payload instanceof FrameError) {
      metrics.malformed.inc();
      const error = { code: 'bad_request', message: 'the payload cannot be read', retryable: false };
      return this.#send(request, handlerError(request.call, error));
    }
    const context = this.#contextOf(request);
    const startedAt = clock.now();
    try {
      let result: unknown;
      try {
        result = await served.handler(payload, context);
      } finally {
        served.seconds.observe((clock.now() - startedAt) / 1_000);
      }
      await this.#answer(request, context, result);
    } catch (error) {
      await this.#fail(request, context, error);
    }
  }

  #contextOf(request: Request): BusContext {
    const { frame: received, route, caller, call, deadlineAt, attempt, body } = request;
    const context = new BusContext(
      {
        subject: route,
        corrId: received.corrId ?? '',
        caller,
        callNumber: call,
        deadlineAt,
        attempt,
        principal: received.principal,
        traceparent: received.traceparent,
        tracestate: received.tracestate,
        metadata: decodeMetadata(received.metadata),
        body,
        initialCredit: this.#core.limits.streamCreditInitial,
        callerCredit: received.credit,
        takesValues: received.accepts === ACCEPTS.VALUES,
      },
      this.#port,
    );
    if (body !== EMPTY_STREAM) this.#peers.attach(context);
    return context;
  }

  async #answer(request: Request, context: BusContext, result: unknown): Promise<void> {
    if (result instanceof StreamReply) return this.#stream(request, context, result);
    context.release();
    if (this.#late(request)) return;
    if (result instanceof Forwarded) return this.#forward(request, result);
    const reply = frame(KIND.REP, { call: request.call, ...encodePayload(result) });
    const fault = frameFault(reply);
    if (fault !== undefined) throw new BusPayloadTooLarge(`the reply: ${fault.message}`);
    return this.#send(request, reply);
  }

  #fail(request: Request, context: BusContext, error: unknown): Promise<void> {
    context.release();
    if (!isDomainError(error)) this.#core.onHandlerError(error, context);
    return this.#late(request) ? Promise.resolve() : this.#send(request, handlerError(request.call, error));
  }

  /** The caller has given up: an answer would be an orphan. */
  #late(request: Request): boolean {
    if (this.#closed) return true;
    if (request.deadlineAt > this.#core.clock.now()) return false;
    this.#core.metrics.expired.inc({ where: 'handler' });
    return true;
  }

  async #stream(request: Request, context: BusContext, reply: StreamReply): Promise<void> {
    context.release();
    if (this.#late(request)) return discard(reply);
    const { instance } = this.#core;
    if (context.callerCredit === undefined || context.takesValues !== (reply.items === 'values')) {
      discard(reply);
      throw new Error('the caller takes no such stream');
    }
    if (!this.#peers.hasRoom()) {
      discard(reply);
      throw new BusOverflow('handler');
    }
    const head = frame(KIND.REP, { call: request.call, from: instance, ...encodePayload(reply.head) });
    const fault = frameFault(head);
    if (fault !== undefined) {
      discard(reply);
      throw new BusPayloadTooLarge(`the head of the reply: ${fault.message}`);
    }
    await this.#peers.stream(context, reply, head);
  }

  /** Sends the request on as it came, but for its subject and payload. The original is settled after that append. */
  async #forward(request: Request, forwarded: Forwarded): Promise<void> {
    const { traceparent, tracestate, principal, corrId, metadata, credit, accepts } = request.frame;
    const next = frame(KIND.REQ, {
      ...encodePayload(forwarded.payload),
      call: request.call,
      replyTo: request.caller,
      route: forwarded.subject.name,
      ttlMs: 0,
      traceparent,
      tracestate,
      principal,
      corrId,
      metadata,
      credit,
      accepts,
    });
    const fault = frameFault(next);
    if (fault !== undefined) throw new BusPayloadTooLarge(`the forwarded request: ${fault.message}`);
    await new Promise<void>((resolve, reject) => {
      this.#core.outbox.toService(forwarded.subject.service, next, request.deadlineAt, (error) => {
        if (error instanceof BusOverflow) this.#core.metrics.overflow.inc({ gate: error.gate });
        // An unknown append may have worked: a second answer would contradict the first.
        if (error === undefined || error instanceof BusOutcomeUnknown) resolve();
        else reject(error);
      });
    });
  }

  /** Sends an answer. When the link is lost it is sent again once the link is back, while the caller still waits. */
  #send(request: Request, answer: Frame): Promise<void> {
    return new Promise((resolve) => {
      const attempt = (): void => {
        this.#core.outbox.toInbox(request.caller, answer, Infinity, (error, delivered) => {
          if (error instanceof BusUnavailable || error instanceof BusOutcomeUnknown) {
            return this.#whenReady(request, attempt, resolve);
          }
          if (delivered === false) this.#core.metrics.orphaned.inc();
          resolve();
        });
      };
      attempt();
    });
  }

  #whenReady(request: Request, again: () => void, giveUp: () => void): void {
    const { link, wheel, clock } = this.#core;
    if (this.#closed || link.status() === 'closed' || request.deadlineAt <= clock.now()) return giveUp();
    let over = false;
    const once = (run: () => void): void => {
      if (over) return;
      over = true;
      stop();
      wheel.remove(slot, due);
      run();
    };
    const due = { onDue: () => once(giveUp) };
    const slot = wheel.add(request.deadlineAt, due);
    const stop = link.onStatus((status) => {
      if (status === 'ready') once(again);
      else if (status === 'closed') once(giveUp);
    });
    // A link that says it is ready and refused may have come back meanwhile, or be out of memory: ask again, not at once.
    if (link.status() === 'ready') clock.after(RESEND_MS, () => once(again));
  }
}
