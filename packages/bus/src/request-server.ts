import type { BusHandler, HandlerPort, ServeOptions } from './bus-context.ts';
import type { BusCore } from './core.ts';
import { DedupeWindow } from './dedupe-window.ts';
import { busRefusal } from './error-body.ts';
import { type BusError, BusOverflow, BusUnavailable } from './errors.ts';
import { byteStream, EMPTY_STREAM } from './incoming-stream.ts';
import { countOverflow } from './metrics.ts';
import type { PeerCalls } from './peer-calls.ts';
import { DEFAULT_TTL_MS, RequestRun, type Served, type Serving, type ServingCounts } from './request-run.ts';
import type { Frame } from './wire/frame.ts';

/** A request frame that names its subject, its caller and its call. */
interface Addressed {
  readonly frame: Frame;
  readonly subject: string;
  readonly caller: string;
  readonly callNumber: number;
}

/** The handlers of one service, and the way from a request frame to the run of its handler. */
export class RequestServer implements Serving {
  readonly counts: ServingCounts;
  readonly core: BusCore;
  readonly peers: PeerCalls;
  readonly port: HandlerPort;
  readonly handlers = new Map<string, Served>();
  readonly window: DedupeWindow;
  closed = false;
  #draining = false;
  /** Tickets given whose uploads have not come, and until when the last of them is waited for. */
  #tickets = 0;
  #ticketsUntil = 0;

  constructor(core: BusCore, peers: PeerCalls, port: HandlerPort) {
    this.core = core;
    this.peers = peers;
    this.port = port;
    const { replied, queueWait } = core.metrics;
    this.counts = {
      wait: queueWait.cell({ side: 'server' }),
      value: replied.cell({ outcome: 'value' }),
      stream: replied.cell({ outcome: 'stream' }),
      error: replied.cell({ outcome: 'error' }),
      refusal: replied.cell({ outcome: 'refusal' }),
      forward: replied.cell({ outcome: 'forward' }),
    };
    this.window = new DedupeWindow(core.link, core.clock, core.service);
  }

  get size(): number {
    return this.handlers.size;
  }

  serve(subject: string, handler: BusHandler, { idempotent = true }: ServeOptions): void {
    if (this.handlers.has(subject)) throw new Error(`${subject} has a handler already`);
    const seconds = this.core.metrics.handlerSeconds.cell({ subject });
    this.handlers.set(subject, { handler, idempotent, seconds });
  }

  drain(): void {
    this.#draining = true;
  }

  /** A handler gave a ticket for one upload to this instance. */
  ticketed(): void {
    this.#tickets = this.awaitsUploads ? this.#tickets + 1 : 1;
    this.#ticketsUntil = this.core.clock.now() + this.core.limits.ticketMs;
  }

  /** Whether holders of tickets may still come. */
  get awaitsUploads(): boolean {
    return this.#tickets > 0 && this.core.clock.now() < this.#ticketsUntil;
  }

  close(): void {
    this.closed = true;
  }

  /** A request from the service's stream. `done` runs when its answer is with the medium. */
  accept(received: Frame, ageMs: number, attempt: number, done: () => void): void {
    const request = this.#addressed(received);
    if (request === undefined) return done();
    const now = this.core.clock.now();
    const deadlineAt = now + (received.ttlMs ?? DEFAULT_TTL_MS) - ageMs;
    if (deadlineAt <= now) {
      this.core.metrics.expired.inc({ where: 'server' });
      return done();
    }
    this.core.slots.admit(new RequestRun(this, request, deadlineAt, attempt, EMPTY_STREAM, done));
  }

  /** A request sent straight to this instance's inbox by the holder of a ticket; its bytes follow. */
  acceptWrite(received: Frame): void {
    const { replyTo: caller, call } = received;
    if (caller === undefined || call === undefined) return this.core.metrics.malformed.inc();
    const refuse = (error: BusError): void => {
      if (error instanceof BusOverflow) countOverflow(this.core.metrics, error);
      this.core.outbox.tell(caller, busRefusal(call, error));
    };
    if (this.#draining && !this.awaitsUploads) return refuse(new BusUnavailable('the instance is draining'));
    this.#tickets = Math.max(0, this.#tickets - 1);
    if (!this.core.slots.hasRoom()) return refuse(new BusOverflow('handler'));
    const body = this.peers.openBody(caller, call);
    if (body === undefined) return refuse(new BusOverflow('credit'));
    const done = (): void => this.peers.closeBody(caller, call);
    const request = this.#addressed(received);
    if (request === undefined) return done();
    const deadlineAt = this.core.clock.now() + (received.ttlMs ?? DEFAULT_TTL_MS);
    this.core.slots.admit(new RequestRun(this, request, deadlineAt, 1, byteStream(body), done));
  }

  #addressed(received: Frame): Addressed | undefined {
    const { route: subject, replyTo: caller, call: callNumber } = received;
    if (subject === undefined || caller === undefined || callNumber === undefined) {
      this.core.metrics.malformed.inc();
      return undefined;
    }
    return { frame: received, subject, caller, callNumber };
  }
}
