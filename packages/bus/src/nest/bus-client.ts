import { ClientProxy, type MsPattern, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { Bus, BusStatus } from '../bus.ts';
import type { BusEvents } from './bus-server.ts';
import { BusClosed, RemoteError } from '../errors.ts';
import type { BusSubject, CallContext } from '../subject.ts';

export interface BusClientOptions {
  /** The bus the calls go over. Its owner closes it. */
  readonly bus: Bus;
  /** Deadline of each call, in ms. */
  readonly deadlineMs?: number;
  /** Context of each call and event, e.g. of the request being served. By default a new correlation id. */
  readonly context?: () => CallContext;
}

const passing = { parse: (value: unknown): unknown => value };

/** The NestJS client of the bus: `send` is cold and may answer several values, `emit` is hot and publishes work. */
export class BusClient extends ClientProxy<BusEvents, BusStatus> {
  /** The Bus, as whatever type the caller expects: NestJS asks for that. */
  override readonly unwrap: ClientProxy['unwrap'] = () => this.#bus as never;
  readonly #bus: Bus;
  readonly #deadlineMs: number;
  readonly #context: () => CallContext;
  readonly #pending = new Set<AbortController>();

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
    for (const controller of this.#pending) controller.abort(new BusClosed('the client is closed'));
  }

  override on<Event extends keyof BusEvents>(_event: Event, callback: BusEvents[Event]): void {
    this.#bus.onStatus(callback);
  }

  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const controller = new AbortController();
    this.#pending.add(controller);
    void this.#request(packet, controller.signal, callback).finally(() => this.#pending.delete(controller));
    return () => controller.abort(new DOMException('unsubscribed', 'AbortError'));
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

  async #request(packet: ReadPacket, signal: AbortSignal, callback: (packet: WritePacket) => void): Promise<void> {
    try {
      const context = { ...this.#contextOf(packet), signal };
      const { head, values } = await this.#bus.values(this.#subjectOf(packet), packet.data, context);
      if (values === undefined) return callback({ response: head, isDisposed: true });
      for await (const value of values) callback({ response: value });
      callback({ isDisposed: true });
    } catch (error) {
      callback({ err: error instanceof RemoteError && error.rpc !== undefined ? error.rpc : error });
    }
  }

  #subjectOf(packet: ReadPacket): BusSubject<unknown, unknown> {
    const name = this.normalizePattern(packet.pattern as MsPattern);
    return {
      name,
      service: name.split('.', 1)[0] ?? name,
      request: passing,
      reply: passing,
      stream: 'none',
      idempotent: false,
      deadlineMs: this.#deadlineMs,
    };
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
