import type { BusSubject, ByteStream, StreamTicket } from './subject.ts';
import { ACCEPTS, type Frame } from './wire/frame.ts';
import { decodeMetadata } from './wire/payload.ts';

/** What a context needs of the bus that runs its handler. */
export interface HandlerPort {
  readonly instance: string;
  /** First receive window of a stream, in bytes. */
  readonly initialCredit: number;
  now(): number;
  /** Aborts `controller` when the deadline passes; returns how to stop watching. */
  watchDeadline(at: number, controller: AbortController): () => void;
  callFrom<Request, Reply>(
    context: BusContext,
    subject: BusSubject<Request, Reply>,
    payload: Request,
    signal: AbortSignal | undefined,
  ): Promise<Reply>;
  park<T>(wait: Promise<T>): Promise<T>;
  /** A ticket to this instance goes out: its holder is waited for when the instance drains. */
  ticketed(): void;
}

/** Where a message stands: what its frame does not say by itself. */
export interface Message {
  readonly frame: Frame;
  /** Subject or topic. */
  readonly subject: string;
  /** Inbox of whoever asked; empty for an event. */
  readonly caller: string;
  readonly callNumber: number;
  readonly deadlineAt: number;
  readonly attempt: number;
  readonly body: ByteStream;
}

/** Answer of a handler that streams: `head` first, then the bytes of `source` as fast as the caller reads. */
export class StreamReply {
  readonly head: unknown;
  readonly source: AsyncIterable<unknown>;
  /** `bytes`: chunks as they are. `values`: each item is encoded on its own. */
  readonly items: 'bytes' | 'values';

  constructor(head: unknown, source: AsyncIterable<unknown>, items: 'bytes' | 'values' = 'bytes') {
    this.head = head;
    this.source = source;
    this.items = items;
  }
}

/** Answer of a handler that hands the request on: the receiver answers the original caller. */
export class Forwarded {
  readonly subject: { readonly name: string; readonly service: string };
  readonly payload: unknown;

  constructor(subject: { readonly name: string; readonly service: string }, payload: unknown) {
    this.subject = subject;
    this.payload = payload;
  }
}

/** What a handler knows of the request it runs for, and the ways it may answer other than by a value. */
export class BusContext {
  readonly #message: Message;
  readonly #port: HandlerPort;
  #controller: AbortController | undefined;
  #unwatch: (() => void) | undefined;
  #aborted: unknown;

  constructor(message: Message, port: HandlerPort) {
    this.#message = message;
    this.#port = port;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get corrId(): string {
    return this.#message.frame.corrId ?? '';
  }

  /** Inbox of this instance. */
  get instance(): string {
    return this.#port.instance;
  }

  /** Inbox of whoever asked. */
  get caller(): string {
    return this.#message.caller;
  }

  /** The caller's number of this call. With `caller` it names the call. */
  get callNumber(): number {
    return this.#message.callNumber;
  }

  /** 1 on the first delivery; more after a redelivery. */
  get attempt(): number {
    return this.#message.attempt;
  }

  get principal(): string | undefined {
    return this.#message.frame.principal;
  }

  get traceparent(): string | undefined {
    return this.#message.frame.traceparent;
  }

  get tracestate(): string | undefined {
    return this.#message.frame.tracestate;
  }

  get metadata(): Readonly<Record<string, string>> {
    return decodeMetadata(this.#message.frame.metadata);
  }

  /** The request stream of a write; empty otherwise. */
  get body(): ByteStream {
    return this.#message.body;
  }

  /** Bytes the caller accepts before it gives credit; undefined when it cannot take a stream. */
  get callerCredit(): number | undefined {
    return this.#message.frame.credit;
  }

  /** Whether the stream the caller takes is one of values. */
  get takesValues(): boolean {
    return this.#message.frame.accepts === ACCEPTS.VALUES;
  }

  /** When the caller gives up, in ms of the bus's clock. */
  get deadlineAt(): number {
    return this.#message.deadlineAt;
  }

  /** Milliseconds until the caller gives up; 0 when it has. */
  remainingMs(): number {
    return Math.max(0, this.deadlineAt - this.#port.now());
  }

  /** Aborts when the caller cancels, is gone, or its deadline passes. Made on first use. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
      else this.#unwatch = this.#port.watchDeadline(this.deadlineAt, this.#controller);
    }
    return this.#controller.signal;
  }

  /** Streams `source` behind `head`. Return the result from the handler. The source is always closed. */
  stream(head: unknown, source: AsyncIterable<Uint8Array>): StreamReply {
    return new StreamReply(head, source);
  }

  /**
   * Where one upload goes: to this instance, with the bytes that may be sent before its first credit. An instance that
   * drains still takes the uploads of the tickets it gave, for `ticketMs` (BusLimits).
   */
  ticket(): StreamTicket {
    this.#port.ticketed();
    return { inbox: this.instance, credit: this.#port.initialCredit };
  }

  /**
   * Hands the request on, with its correlation, reply address, remaining time and trace.
   * Return the result from the handler: whoever receives it answers the original caller.
   */
  forward<Request>(subject: BusSubject<Request, unknown>, payload: Request): Forwarded {
    return new Forwarded(subject, payload);
  }

  /** A call on behalf of this request: same correlation id, trace and principal, within what is left of its time. */
  call<Request, Reply>(subject: BusSubject<Request, Reply>, payload: Request): Promise<Reply> {
    return this.#port.callFrom(this, subject, payload, this.#controller?.signal);
  }

  /**
   * Waits without holding a handler slot (long polls), so that waiting requests do not stop working ones.
   * Rejects with `BusOverflow('handler')` at the bound of parked handlers, and with BusUnavailable when the instance drains.
   */
  parked<T>(wait: Promise<T>): Promise<T> {
    return this.#port.park(wait);
  }

  /** For the bus: ends the request from outside. */
  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = reason;
    this.#unwatch?.();
    this.#controller?.abort(reason);
  }

  /** For the bus: the handler has answered. */
  release(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }
}

/** What a handler says of itself. */
export interface ServeOptions {
  /**
   * Whether running a request twice does no harm; true by default, and then it costs nothing. False: each request is
   * claimed in the medium before it runs, for its remaining time and 5 s, and a second delivery of it is not run.
   */
  readonly idempotent?: boolean | undefined;
}

/** Answers a request: a value, a promise of one, `ctx.stream(…)` or `ctx.forward(…)`. What it throws is the answer too. */
export type BusHandler = (payload: unknown, context: BusContext) => unknown;
