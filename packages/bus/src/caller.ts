import { type ClientCall, ClientCalls } from './client-calls.ts';
import { frameBytes } from './wire/codec.ts';
import { assertFits, requestFrame } from './request-frame.ts';
import type { BusCore } from './core.ts';
import { busRefusal, errorOf } from './error-body.ts';
import { BusDeadline, BusNoResponders, BusOutcomeUnknown, BusOverflow, BusUnavailable, FrameError } from './errors.ts';
import { ACCEPTS, type Codec, type Frame, frame, KIND, sampledTraceOf } from './wire/frame.ts';
import { IncomingStream } from './incoming-stream.ts';
import { countOverflow } from './metrics.ts';
import { gone, type Plan, Uploads } from './uploads.ts';
import { decodePayload } from './wire/payload.ts';
import type { BusSubject, CallContext, StreamTicket } from './subject.ts';

/** A reply with what is streamed behind it; `body` is undefined when nothing is. */
export interface Streamed<T> {
  readonly head: unknown;
  readonly body: IncomingStream<T> | undefined;
}

/** The side of an incoming stream that frames arrive at, whatever its items are. */
type StreamEnd = Pick<IncomingStream<unknown>, 'push' | 'end' | 'fail' | 'abort'>;

/** What of a subject the caller's side needs. */
export type Target = Pick<BusSubject<unknown, unknown>, 'name' | 'service' | 'idempotent' | 'deadlineMs'>;

/** Who is told of the values that answer a call. */
export interface ValueObserver {
  /** One of several values. */
  next(value: unknown): void;
  /** The only value, and the end. */
  last(value: unknown): void;
  complete(): void;
  error(error: unknown): void;
}

/** Makes calls: sends requests, matches answers, and runs the caller's side of streams. */
export class Caller {
  readonly calls: ClientCalls;
  readonly #core: BusCore;
  readonly #incoming = new Map<number, StreamEnd>();
  readonly #uploads: Uploads;

  constructor(core: BusCore) {
    this.#core = core;
    this.calls = new ClientCalls(core.limits, core.clock, core.wheel, core.metrics);
    this.#uploads = new Uploads(core, this.calls, this.#onPlainReply);
    core.metrics.streamsOpen.collect(() => this.#incoming.size, { direction: 'in' });
  }

  get idle(): boolean {
    return this.calls.size === 0 && this.#incoming.size === 0;
  }

  /** One request, one answer. */
  call(target: Target, payload: unknown, context: CallContext): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#begin(target, payload, context, { onReply: this.#onPlainReply, resolve, reject });
    });
  }

  /** One request; its answer may be followed by a stream, which is read under our credit. */
  read<T>(
    target: Target,
    payload: unknown,
    context: CallContext,
    item: (codec: Codec, body: Uint8Array) => T | FrameError,
  ): Promise<Streamed<T>> {
    return new Promise((resolve, reject) => {
      this.open(target, payload, context, item, ACCEPTS.BYTES, { resolve, reject });
    });
  }

  /**
   * As `read`, told by callbacks, for streams of bytes or of values. The answer is the call, to be ended by `cancel`;
   * undefined when it was refused.
   */
  open<T>(
    target: Target,
    payload: unknown,
    context: CallContext,
    item: (codec: Codec, body: Uint8Array) => T | FrameError,
    accepts: number,
    outcome: { resolve: (streamed: Streamed<T>) => void; reject: (error: unknown) => void },
  ): ClientCall | undefined {
    const { budget, limits } = this.#core;
    const window = limits.streamCreditInitial;
    if (!budget.reserve(window)) {
      const error = new BusOverflow('credit');
      this.calls.countRefused(error);
      outcome.reject(error);
      return undefined;
    }
    return this.#begin(target, payload, context, {
      credit: window,
      accepts,
      onReply: (reply): Streamed<T> => {
        const head = this.#headOf(reply);
        if (reply.from === undefined || reply.call === undefined) {
          budget.release(window);
          return { head, body: undefined };
        }
        return { head, body: this.#openStream(reply.call, reply.from, context.signal, item) };
      },
      // onReply is what this call resolves with.
      resolve: outcome.resolve as (value: unknown) => void,
      reject: (error) => {
        budget.release(window);
        outcome.reject(error);
      },
    });
  }

  /** A call told by callbacks, whose answer may be a stream of values. What it returns ends the call. */
  observe(target: Target, payload: unknown, context: CallContext, observer: ValueObserver): (reason: unknown) => void {
    let stream: IncomingStream<unknown> | undefined;
    const call = this.open(target, payload, context, decodePayload, ACCEPTS.VALUES, {
      resolve: ({ head, body }) => {
        if (body === undefined) return observer.last(head);
        stream = body;
        void passOn(body, observer);
      },
      reject: (error) => observer.error(error),
    });
    return (reason) => {
      if (stream !== undefined) stream.cancel();
      else if (call !== undefined) this.calls.fail(call, reason);
    };
  }

  /** A request sent straight to the inbox of a ticket, its bytes behind it, one answer. */
  write(
    ticket: StreamTicket,
    target: Target,
    payload: unknown,
    source: AsyncIterable<Uint8Array>,
    context: CallContext,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#uploads.start(ticket, source, { resolve, reject }, (plan) => this.#begin(target, payload, context, plan));
    });
  }

  /** A frame of a call this instance made. */
  onFrame(received: Frame): void {
    const { call: number } = received;
    if (number === undefined) return this.#core.metrics.malformed.inc();
    switch (received.kind) {
      case KIND.REP:
      case KIND.ERR:
        return this.#onAnswer(number, received);
      case KIND.DATA:
        return this.#incoming.get(number)?.push(received);
      case KIND.END:
        return this.#incoming.get(number)?.end(received.seq);
      case KIND.CREDIT:
        return this.#uploads.addCredit(number, received.credit ?? 0);
      case KIND.CANCEL:
        return this.#uploads.stop(number);
      default:
        this.#core.metrics.malformed.inc();
    }
  }

  abortAll(error: unknown): void {
    this.calls.failAll(error);
    for (const stream of [...this.#incoming.values()]) stream.abort(error);
    this.#uploads.abortAll(error);
  }

  /** Opens a call and sends its request. A refusal is counted, told to `reject`, and answered with undefined. */
  #begin(target: Target, payload: unknown, context: CallContext, plan: Plan): ClientCall | undefined {
    const { clock, instance, outbox, hooks } = this.#core;
    let call: ClientCall;
    let { resolve, reject } = plan;
    try {
      const ttlMs = context.ttlMs ?? target.deadlineMs;
      if (!(ttlMs > 0)) throw new BusDeadline();
      context.signal?.throwIfAborted();
      const request = requestFrame(target, payload, context, instance, plan);
      if (hooks !== undefined) {
        const { name: subject, service } = target;
        const end = hooks.send(request, { kind: 'request', subject, service, deadlineMs: ttlMs });
        resolve = (value) => {
          end();
          plan.resolve(value);
        };
        reject = (error) => {
          end(error);
          plan.reject(error);
        };
        assertFits(target, request);
      }
      const deadlineAt = clock.now() + ttlMs;
      call = this.calls.open({
        subject: target.name,
        deadlineAt,
        bytes: frameBytes(request),
        signal: context.signal,
        sampledTrace: hooks === undefined ? undefined : sampledTraceOf(request.traceparent),
        onReply: plan.onReply,
        resolve,
        reject,
      });
      request.call = call.number;
      if (plan.inbox === undefined) {
        // Sent again it would come behind what followed it: what is ordered is never repeated.
        this.#sendRequest(call, target, request, target.idempotent && request.orderKey === undefined);
        return call;
      }
      outbox.toInbox(plan.inbox, request, deadlineAt, (error, delivered) => {
        if (error !== undefined) this.calls.fail(call, error);
        else if (delivered === false) this.calls.fail(call, new BusNoResponders('the holder of the ticket is gone'));
      });
      return call;
    } catch (error) {
      this.calls.countRefused(error);
      reject(error);
      return undefined;
    }
  }

  #sendRequest(call: ClientCall, target: Target, request: Frame, mayRepeat: boolean): void {
    this.#core.outbox.toService(target.service, request, call.plan.deadlineAt, (error) => {
      if (error === undefined) return;
      if (error instanceof BusOutcomeUnknown) {
        // The answer may still come. What may be repeated is sent once more; two answers are one answer and one orphan.
        call.outcomeUnknown = true;
        if (mayRepeat && this.calls.get(call.number) === call) this.#sendRequest(call, target, request, false);
        return;
      }
      if (call.outcomeUnknown) return;
      if (error instanceof BusOverflow) countOverflow(this.#core.metrics, error);
      this.calls.fail(call, error);
    });
  }

  #onAnswer(number: number, received: Frame): void {
    const call = this.calls.get(number);
    if (call === undefined) {
      const stream = this.#incoming.get(number);
      if (stream !== undefined && received.kind === KIND.ERR) return stream.fail(errorOf(received));
      if (this.#uploads.has(number)) return;
      this.#core.metrics.orphaned.inc();
      // Nobody will read what follows.
      if (received.from !== undefined && stream === undefined) {
        this.#core.outbox.tell(received.from, frame(KIND.CANCEL, { call: number, replyTo: this.#core.instance }));
      }
      return;
    }
    if (received.kind === KIND.ERR) this.calls.fail(call, errorOf(received));
    else this.calls.succeed(call, received);
  }

  /** The head of a streamed answer; when it cannot be read, nobody will read the stream either. */
  #headOf(reply: Frame): unknown {
    try {
      return valueOf(reply);
    } catch (error) {
      this.#plainReply(frame(KIND.REP, { call: reply.call, from: reply.from }));
      throw error;
    }
  }

  readonly #onPlainReply = (reply: Frame): unknown => this.#plainReply(reply);

  #plainReply(reply: Frame): unknown {
    if (reply.from !== undefined && reply.call !== undefined) {
      this.#core.outbox.tell(reply.from, frame(KIND.CANCEL, { call: reply.call, replyTo: this.#core.instance }));
    }
    return valueOf(reply);
  }

  #openStream<T>(
    call: number,
    from: string,
    signal: AbortSignal | undefined,
    read: (codec: Codec, body: Uint8Array) => T | FrameError,
  ): IncomingStream<T> {
    const { clock, wheel, budget, limits, outbox, instance } = this.#core;
    const onAbort = (): void => {
      this.#core.outbox.tell(from, frame(KIND.CANCEL, { call, replyTo: instance }));
      stream.abort(signal?.reason);
    };
    const stream = new IncomingStream<T>({
      clock,
      wheel,
      budget,
      window: limits.streamCreditInitial,
      windowMax: limits.streamCreditMax,
      idleMs: limits.streamIdleMs,
      read,
      grant: (credit) =>
        outbox.toInbox(from, frame(KIND.CREDIT, { call, credit, replyTo: instance }), Infinity, (error, delivered) => {
          if (error !== undefined) stream.abort(gone(error));
          else if (delivered === false) this.#endBehind(call, stream);
        }),
      cancelPeer: () => this.#core.outbox.tell(from, frame(KIND.CANCEL, { call, replyTo: instance })),
      onClosed: () => {
        this.#incoming.delete(call);
        signal?.removeEventListener('abort', onAbort);
      },
    });
    this.#incoming.set(call, stream);
    signal?.addEventListener('abort', onAbort, { once: true });
    return stream;
  }

  /**
   * The sender is gone, but what it sent before may still be on its way to our inbox, its end too. The news goes the
   * same way, behind all of that.
   */
  #endBehind(call: number, stream: StreamEnd): void {
    const { outbox, instance } = this.#core;
    outbox.toInbox(instance, busRefusal(call, gone(undefined)), Infinity, (error) => {
      if (error !== undefined) stream.abort(gone(error));
    });
  }
}

function valueOf(reply: Frame): unknown {
  const value = decodePayload(reply.codec, reply.body);
  if (value instanceof FrameError) throw new BusUnavailable('the reply cannot be read', { cause: value });
  return value;
}

async function passOn(stream: IncomingStream<unknown>, observer: ValueObserver): Promise<void> {
  const values = { [Symbol.asyncIterator]: () => stream.iterate() };
  try {
    for await (const value of values) observer.next(value);
  } catch (error) {
    return observer.error(error);
  }
  observer.complete();
}
