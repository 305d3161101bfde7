import type { BusSubject, ByteStream, StreamTicket } from './subject.ts';

/** What a context needs of the bus that runs its handler. */
export interface HandlerPort {
  readonly instance: string;
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

export interface BusContextFields {
  readonly subject: string;
  readonly corrId: string;
  readonly caller: string;
  readonly callNumber: number;
  readonly deadlineAt: number;
  readonly attempt: number;
  readonly principal: string | undefined;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly body: ByteStream;
  /** Bytes the holder of a ticket may send before the first credit. */
  readonly initialCredit: number;
  /** Bytes the caller accepts before it gives credit; undefined when it cannot take a stream. */
  readonly callerCredit: number | undefined;
  /** Whether the stream the caller takes is one of values. */
  readonly takesValues: boolean;
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
  readonly subject: string;
  readonly corrId: string;
  /** Inbox of this instance. */
  readonly instance: string;
  /** Inbox of whoever asked. */
  readonly caller: string;
  /** The caller's number of this call. With `caller` it names the call. */
  readonly callNumber: number;
  /** 1 on the first delivery; more after a redelivery. */
  readonly attempt: number;
  readonly principal: string | undefined;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** The request stream of a write; empty otherwise. */
  readonly body: ByteStream;
  readonly callerCredit: number | undefined;
  readonly takesValues: boolean;
  readonly deadlineAt: number;
  readonly #initialCredit: number;
  readonly #port: HandlerPort;
  #controller: AbortController | undefined;
  #unwatch: (() => void) | undefined;
  #aborted: unknown;

  constructor(fields: BusContextFields, port: HandlerPort) {
    this.subject = fields.subject;
    this.corrId = fields.corrId;
    this.instance = port.instance;
    this.caller = fields.caller;
    this.callNumber = fields.callNumber;
    this.attempt = fields.attempt;
    this.principal = fields.principal;
    this.traceparent = fields.traceparent;
    this.tracestate = fields.tracestate;
    this.metadata = fields.metadata;
    this.body = fields.body;
    this.#initialCredit = fields.initialCredit;
    this.callerCredit = fields.callerCredit;
    this.takesValues = fields.takesValues;
    this.deadlineAt = fields.deadlineAt;
    this.#port = port;
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
    return { inbox: this.instance, credit: this.#initialCredit };
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

/** Answers a request: a value, a promise of one, `ctx.stream(…)` or `ctx.forward(…)`. What it throws is the answer too. */
export type BusHandler = (payload: unknown, context: BusContext) => unknown;
