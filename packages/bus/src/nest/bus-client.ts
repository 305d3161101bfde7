import { ClientProxy, type MsPattern, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import { Observable } from 'rxjs';
import type { Bus, BusStatus } from '../bus.ts';
import type { BusEvents } from './bus-server.ts';
import { BusClosed, RemoteError } from '../errors.ts';
import type { BusSubject, CallContext } from '../subject.ts';
import type { Target } from '../caller.ts';

export interface BusClientOptions {
  /** The bus the calls go over. Its owner closes it. */
  readonly bus: Bus;
  /** Deadline of each call, in ms. */
  readonly deadlineMs?: number;
  /** Context of each call and event, e.g. of the request being served. By default a new correlation id. */
  readonly context?: () => CallContext;
}

/** A request without an answer yet. */
interface Pending {
  over: boolean;
  end: (reason: unknown) => void;
}

const passing = { parse: (value: unknown): unknown => value };

/** The NestJS client of the bus: `send` is cold and may answer several values, `emit` is hot and publishes work. */
export class BusClient extends ClientProxy<BusEvents, BusStatus> {
  /** The Bus, as whatever type the caller expects: NestJS asks for that. */
  override readonly unwrap: ClientProxy['unwrap'] = () => this.#bus as never;
  readonly #bus: Bus;
  readonly #deadlineMs: number;
  readonly #context: () => CallContext;
  readonly #pending = new Set<Pending>();

  constructor(options: BusClientOptions) {
    super();
    this.#bus = options.bus;
    this.#deadlineMs = options.deadlineMs ?? 5_000;
    this.#context = options.context ?? (() => ({ corrId: crypto.randomUUID() }));
    this._status$.next(this.#bus.status());
    this.#bus.onStatus((status) => this._status$.next(status));
  }

  connect(): Promise<void> {
    return this.#bus.start();
  }

  /** Ends the pending calls of this client with BusClosed. The bus stays open. */
  close(): void {
    for (const { end } of [...this.#pending]) end(new BusClosed('the client is closed'));
  }

  override on<Event extends keyof BusEvents>(_event: Event, callback: BusEvents[Event]): void {
    this.#bus.onStatus(callback);
  }

  /** Cold: each subscription is one request. Connects first where that was not done, and costs no promise where it was. */
  override send<Result = unknown, Input = unknown>(pattern: unknown, data: Input): Observable<Result> {
    // Refuses what is missing.
    if (pattern === undefined || pattern === null || data === undefined || data === null) {
      return super.send<Result, Input>(pattern, data);
    }
    return new Observable<Result>((observer) => {
      const send = (): (() => void) => this.publish(this.createPacket(pattern, data), this.createObserver(observer));
      if (this.#bus.status() !== 'connecting') return send();
      let end: (() => void) | undefined;
      let left = false;
      this.connect().then(
        () => {
          if (!left) end = send();
        },
        (error: unknown) => observer.error(error),
      );
      return () => {
        left = true;
        end?.();
      };
    });
  }

  /** The typed call without an Observable: one request, one answer, and no more than it takes. Rejects as `Bus.call` does. */
  call<Request, Reply>(
    subject: BusSubject<Request, Reply>,
    payload: Request,
    context: CallContext = this.#context(),
  ): Promise<Reply> {
    return this.#bus.call(subject, payload, context);
  }

  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const ended = (answer: WritePacket): void => {
      request.over = true;
      this.#pending.delete(request);
      callback(answer);
    };
    const request: Pending = { over: false, end: () => undefined };
    request.end = this.#bus.observe(this.#targetOf(packet), packet.data, this.#contextOf(packet), {
      next: (response) => callback({ response }),
      last: (response) => ended({ response, isDisposed: true }),
      complete: () => ended({ isDisposed: true }),
      error: (error) => ended({ err: error instanceof RemoteError && error.rpc !== undefined ? error.rpc : error }),
    });
    if (!request.over) this.#pending.add(request);
    return () => {
      if (this.#pending.delete(request)) request.end(new DOMException('unsubscribed', 'AbortError'));
    };
  }

  /** A pattern `'topic'` publishes work, `{ hint: 'topic' }` a hint. Settles after admission. */
  protected async dispatchEvent<T = unknown>(packet: ReadPacket): Promise<T> {
    const pattern: unknown = packet.pattern;
    const context = this.#contextOf(packet);
    if (typeof pattern === 'object' && pattern !== null && 'hint' in pattern && typeof pattern.hint === 'string') {
      await this.#bus.publishHint({ name: pattern.hint, event: passing }, packet.data, context);
    } else {
      await this.#bus.publishWork(
        { name: this.normalizePattern(packet.pattern as MsPattern), event: passing },
        packet.data,
        context,
      );
    }
    // An event has no answer.
    return undefined as T;
  }

  #targetOf(packet: ReadPacket): Target {
    const name = this.normalizePattern(packet.pattern as MsPattern);
    const dot = name.indexOf('.');
    const service = dot < 0 ? name : name.slice(0, dot);
    return { name, service, idempotent: false, deadlineMs: this.#deadlineMs };
  }

  #contextOf(packet: ReadPacket): CallContext {
    const context = this.#context();
    if (packet.metadata === undefined) return context;
    const { traceparent, tracestate, ...metadata } = packet.metadata;
    return {
      ...context,
      metadata: { ...context.metadata, ...metadata },
      // A trace of the packet replaces the context's as a whole: a state belongs to its parent.
      ...(traceparent === undefined ? {} : { traceparent, tracestate }),
    };
  }
}
