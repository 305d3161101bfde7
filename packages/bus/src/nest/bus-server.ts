import {
  type BaseRpcContext,
  type CustomTransportStrategy,
  type MessageHandler,
  RpcException,
  Server,
} from '@nestjs/microservices';
import { catchError, isObservable, lastValueFrom, type Observable, throwError } from 'rxjs';
import type { Bus, BusStatus } from '../bus.ts';
import { type BusContext, Forwarded, StreamReply } from '../bus-context.ts';
import { isDomainError } from '../error-body.ts';
import type { LagListener } from '../hint-reader.ts';
import { ObservableSource } from './observable-source.ts';

/** Identifies this transport to NestJS, e.g. as the second argument of `@MessagePattern`. */
export const BUS_TRANSPORT = Symbol('macronode.bus');

export interface BusServerOptions {
  /** The bus of the service. It is started when the server listens and drained when it closes. */
  readonly bus: Bus;
  /** What running handlers get to finish when the server closes, in ms. */
  readonly drainTimeoutMs?: number;
}

/** What `on` of the server and the client can follow. */
export type BusEvents = { status: (status: BusStatus) => void };

type ServerBase = Server<BusEvents, BusStatus>;

interface EventExtras {
  /** Follow the topic as a hint instead of handling its work. */
  readonly hint?: boolean;
  /** The service that handles the event; by default the one the topic's name begins with. */
  readonly service?: string;
  /** Of a hint: told how many were lost; the next hint waits until it is done. */
  readonly onLag?: LagListener;
}

/** A message handler as NestJS hands it over: with guards, pipes, interceptors and filters around it. */
type Handler = (payload: unknown, context: BusContext) => Promise<unknown>;

/**
 * The NestJS side of a service on the bus. It takes the handlers whose pattern is a string that begins with
 * `<service>.`, so that several services of one process can share one application.
 */
export class BusServer extends Server<BusEvents, BusStatus> implements CustomTransportStrategy {
  override transportId = BUS_TRANSPORT;
  override readonly propagatesEventHandlerErrors = true;
  /** The Bus, as whatever type the caller expects: NestJS asks for that. */
  override readonly unwrap: ServerBase['unwrap'] = () => this.#bus as never;
  readonly #bus: Bus;
  readonly #drainTimeoutMs: number;
  #hooked = false;

  constructor(options: BusServerOptions) {
    super();
    this.#bus = options.bus;
    this.#drainTimeoutMs = options.drainTimeoutMs ?? 10_000;
  }

  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: EventExtras = {},
  ): void {
    if (typeof pattern !== 'string') return;
    const service = (isEventHandler ? extras.service : undefined) ?? pattern.slice(0, pattern.indexOf('.'));
    if (service === this.#bus.service) super.addHandler(pattern, callback, isEventHandler, extras);
  }

  listen(callback: (error?: unknown) => void): void {
    this.#listen().then(() => callback(), callback);
  }

  close(): Promise<void> {
    return this.#bus.drain(this.#drainTimeoutMs);
  }

  on<Event extends keyof BusEvents>(_event: Event, callback: BusEvents[Event]): void {
    this.#bus.onStatus(callback);
  }

  async #listen(): Promise<void> {
    this.#bus.onStatus((status) => this._status$.next(status));
    for (const [pattern, handler] of this.messageHandlers) await this.#register(pattern, handler);
    await this.#bus.start();
    this._status$.next(this.#bus.status());
  }

  async #register(pattern: string, registered: MessageHandler): Promise<void> {
    const handler = registered as Handler;
    if (registered.isEventHandler !== true) {
      this.#bus.serve(pattern, (payload, context) => this.#run(handler, payload, context));
      return;
    }
    const { hint = false, onLag = () => undefined } = (registered.extras ?? {}) as EventExtras;
    const handle = async (event: unknown, context: BusContext): Promise<void> => {
      await this.#run(handler, event, context);
    };
    if (hint) await this.#bus.onHint(pattern, handle, onLag);
    else await this.#bus.onWork(pattern, this.#bus.service, handle);
  }

  override setOnProcessingStartHook(...hook: Parameters<ServerBase['setOnProcessingStartHook']>): void {
    this.#hooked = true;
    super.setOnProcessingStartHook(...hook);
  }

  override setOnProcessingEndHook(...hook: Parameters<ServerBase['setOnProcessingEndHook']>): void {
    this.#hooked = true;
    super.setOnProcessingEndHook(...hook);
  }

  /** Runs a handler, between NestJS's processing hooks where there are any; what it throws is given the form it crosses the bus in. */
  #run(handler: Handler, payload: unknown, context: BusContext): Promise<unknown> {
    if (this.#hooked) return this.#runHooked(handler, payload, context);
    return handler(payload, context).then(
      (result) => (isObservable(result) ? this.#observe(result, context) : result),
      (error: unknown) => {
        throw asCrossing(error);
      },
    );
  }

  #runHooked(handler: Handler, payload: unknown, context: BusContext): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // Hooks treat the context as opaque: instrumentation reads its metadata only.
      this.runWithProcessingHooks(context as unknown as BaseRpcContext, async (end) => {
        try {
          const result: unknown = await handler(payload, context);
          resolve(isObservable(result) ? await this.#observe(result, context) : result);
        } catch (error) {
          reject(asCrossing(error));
        } finally {
          end();
        }
      });
    });
  }

  /** The answer an Observable stands for: its values as a stream for who takes one, else its last value. */
  async #observe(result: Observable<unknown>, context: BusContext): Promise<unknown> {
    if (!context.takesValues) return lastValueFrom(result, { defaultValue: undefined });
    const source = new ObservableSource(
      result.pipe(catchError((error: unknown) => throwError(() => asCrossing(error)))),
    );
    const first = await source.peek();
    if (first instanceof StreamReply || first instanceof Forwarded) {
      await source.return();
      return first;
    }
    return new StreamReply(undefined, source, 'values');
  }
}

/** Domain errors as they are; the content of an RpcException, or what NestJS's own filter made, beside a neutral error. */
function asCrossing(error: unknown): unknown {
  const content: unknown = error instanceof RpcException ? error.getError() : error;
  if (isDomainError(content) || content instanceof Error) return content;
  const message = 'the handler failed';
  return { code: 'internal', retryable: false, message, rpc: content };
}
