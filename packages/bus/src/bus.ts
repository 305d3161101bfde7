import type { MetricsScope } from '@macronode/metrics';
import type { BusContext, BusHandler } from './bus-context.ts';
import type { BusLimits } from './bus-limits.ts';
import { BusClosed } from './errors.ts';
import type { Link } from './link.ts';
import type { BusSubject, BusTopic, ByteStream, CallContext, StreamTicket } from './subject.ts';

export type BusStatus = 'connecting' | 'ready' | 'reconnecting' | 'draining' | 'closed';

export interface BusOptions {
  /** The service this bus speaks for: its subjects begin with `<service>.`. */
  readonly service: string;
  readonly link: Link;
  readonly metrics: MetricsScope;
  readonly limits?: Partial<BusLimits>;
  /** Address of this instance's inbox; unique in the medium. A random one by default. */
  readonly instance?: string;
}

export type WorkHandler = (event: unknown, context: BusContext) => unknown;
export type HintHandler = (event: unknown, context: BusContext) => unknown;

/** One service instance's access to the bus: it calls, serves, streams, and follows events. */
export class Bus implements AsyncDisposable {
  readonly service: string;
  /** The address of this instance's inbox. */
  readonly instance: string;
  #status: BusStatus = 'connecting';

  constructor(options: BusOptions) {
    this.service = options.service;
    this.instance = options.instance ?? `${options.service}.${crypto.randomUUID()}`;
  }

  start(): Promise<void> {
    return Promise.reject(new BusClosed());
  }
  serve(_subject: string, _handler: BusHandler): void {}
  call<Request, Reply>(_s: BusSubject<Request, Reply>, _payload: Request, _ctx: CallContext): Promise<Reply> {
    return Promise.reject(new BusClosed());
  }
  read<Request, Reply>(
    _s: BusSubject<Request, Reply>,
    _payload: Request,
    _ctx: CallContext,
  ): Promise<{ head: Reply; body: ByteStream }> {
    return Promise.reject(new BusClosed());
  }
  write<Request, Reply>(
    _ticket: StreamTicket,
    _s: BusSubject<Request, Reply>,
    _payload: Request,
    _source: AsyncIterable<Uint8Array>,
    _ctx: CallContext,
  ): Promise<Reply> {
    return Promise.reject(new BusClosed());
  }
  publishWork<Event>(_topic: BusTopic<Event>, _event: Event, _ctx: CallContext): Promise<void> {
    return Promise.reject(new BusClosed());
  }
  publishHint<Event>(_topic: BusTopic<Event>, _event: Event, _ctx: CallContext): Promise<void> {
    return Promise.reject(new BusClosed());
  }
  onWork(_topic: string, _group: string, _handler: WorkHandler): Promise<void> {
    return Promise.reject(new BusClosed());
  }
  onHint(_topic: string, _handler: HintHandler, _onLag: (lost: number) => void): Promise<void> {
    return Promise.reject(new BusClosed());
  }
  status(): BusStatus {
    return this.#status;
  }
  onStatus(_listener: (status: BusStatus) => void): () => void {
    return () => undefined;
  }
  drain(_timeoutMs: number): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
