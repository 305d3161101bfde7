import type { CounterCell, Holder, HistogramCell } from '@macronode/metrics';
import { BusContext, type BusHandler, Forwarded, type HandlerPort, type Message, StreamReply } from './bus-context.ts';
import type { BusCore } from './core.ts';
import type { ClaimOutcome, DedupeWindow } from './dedupe-window.ts';
import { busRefusal, handlerError, isDomainError } from './error-body.ts';
import {
  BusClosed,
  BusDeadline,
  BusError,
  BusNoResponders,
  BusOutcomeUnknown,
  BusOverflow,
  BusPayloadTooLarge,
  BusUnavailable,
  FrameError,
} from './errors.ts';
import type { Handling } from './hooks.ts';
import type { Job } from './handler-slots.ts';
import { EMPTY_STREAM } from './incoming-stream.ts';
import { countOverflow } from './metrics.ts';
import { discard, type PeerCalls } from './peer-calls.ts';
import type { ByteStream } from './subject.ts';
import { frameFault } from './wire/codec.ts';
import { bareFrame, type Frame, frame, KIND, sampledTraceOf } from './wire/frame.ts';
import { decodePayload, encodePayload } from './wire/payload.ts';

/** A handler and what is counted for its subject. */
export interface Served {
  readonly handler: BusHandler;
  /** False: a request is claimed before it runs, and a duplicate is not run. */
  readonly idempotent: boolean;
  readonly seconds: HistogramCell;
}

/** A request without a deadline of its own gets this one, in ms. */
export const DEFAULT_TTL_MS = 5_000;

/** What every run counts, looked up once. */
export interface ServingCounts {
  readonly wait: HistogramCell;
  readonly value: CounterCell;
  readonly stream: CounterCell;
  readonly error: CounterCell;
  readonly refusal: CounterCell;
  readonly forward: CounterCell;
}

/** What the runs of one server have in common. */
export interface Serving {
  readonly core: BusCore;
  readonly peers: PeerCalls;
  readonly port: HandlerPort;
  readonly handlers: ReadonlyMap<string, Served>;
  readonly window: DedupeWindow;
  readonly counts: ServingCounts;
  /** Nothing is answered or settled any more. */
  readonly closed: boolean;
}

/** Pause before an answer is offered again to a link that is up, in ms. */
const RESEND_MS = 50;

/**
 * One request from its turn to its answer: a value, a stream, an error, or the request itself handed to someone else.
 * It holds its handler slot until the medium has the answer. Plain callbacks, no promise of its own: this is the hot path.
 */
export class RequestRun implements Job, Message {
  readonly frame: Frame;
  readonly subject: string;
  readonly caller: string;
  readonly callNumber: number;
  readonly deadlineAt: number;
  readonly attempt: number;
  readonly body: ByteStream;
  readonly #serving: Serving;
  readonly #done: () => void;
  #context: BusContext | undefined;
  #served: Served | undefined;
  #startedAt = 0;
  #handling: Handling | undefined;
  #holder: Holder | undefined;
  /** Of a request that is claimed: its id in the window. */
  #claim: string | undefined;

  constructor(
    serving: Serving,
    request: { readonly frame: Frame; readonly subject: string; readonly caller: string; readonly callNumber: number },
    deadlineAt: number,
    attempt: number,
    body: ByteStream,
    done: () => void,
  ) {
    this.frame = request.frame;
    this.subject = request.subject;
    this.caller = request.caller;
    this.callNumber = request.callNumber;
    this.deadlineAt = deadlineAt;
    this.attempt = attempt;
    this.body = body;
    this.#serving = serving;
    this.#done = done;
  }

  start(): void {
    const { core, handlers, closed, counts } = this.#serving;
    if (closed) return core.slots.release();
    const now = core.clock.now();
    if (this.deadlineAt <= now) {
      core.metrics.expired.inc({ where: 'server' });
      return this.#end();
    }
    counts.wait.observe(this.#waitedMs() / 1_000);
    const served = handlers.get(this.subject);
    if (served === undefined) {
      const error = new BusNoResponders(`${core.service} has no handler for this subject`);
      return this.#refuse(error);
    }
    const payload = decodePayload(this.frame.codec, this.frame.body);
    if (payload instanceof FrameError) {
      core.metrics.malformed.inc();
      const error = { code: 'bad_request', message: 'the payload cannot be read', retryable: false };
      counts.error.inc();
      return this.#send(handlerError(this.callNumber, error));
    }
    this.#served = served;
    if (served.idempotent) this.#invoke(served, payload);
    else this.#claimed((outcome) => this.#onClaim(outcome, served, payload));
  }

  #claimed(done: (outcome: ClaimOutcome) => void): void {
    const id = `${this.caller}#${this.callNumber}`;
    this.#claim = id;
    this.#serving.window.claim(id, this.deadlineAt, done);
  }

  /** Never run unclaimed: where the medium cannot say, the caller is told, and tries again when it may. */
  #onClaim(outcome: ClaimOutcome, served: Served, payload: unknown): void {
    const { core, closed, window } = this.#serving;
    if (closed) return this.#end();
    const id = this.#claim ?? '';
    if (outcome === 'first') {
      if (this.deadlineAt > core.clock.now()) return this.#invoke(served, payload);
      core.metrics.expired.inc({ where: 'server' });
      return this.#end();
    }
    // What is claimed belongs to another run.
    this.#claim = undefined;
    if (outcome === 'duplicate' && window.isRunning(id)) {
      core.metrics.duplicates.inc({ action: 'dropped' });
      return this.#end();
    }
    if (outcome === 'duplicate') core.metrics.duplicates.inc({ action: 'outcome_unknown' });
    if (outcome instanceof BusOverflow) countOverflow(core.metrics, outcome);
    this.#refuse(unclaimed(outcome, this.attempt));
  }

  #invoke(served: Served, payload: unknown): void {
    const { core, port, peers } = this.#serving;
    const context = new BusContext(this, port);
    if (this.body !== EMPTY_STREAM) peers.attach(context);
    this.#context = context;
    this.#startedAt = core.clock.now();
    this.#holder = core.running.enter(this.subject);
    if (core.hooks !== undefined) this.#handling = core.hooks.handle(context, this.frame, this.#handled());
    const handling = this.#handling;
    let result: unknown;
    try {
      result =
        handling === undefined
          ? served.handler(payload, context)
          : handling.run(() => served.handler(payload, context));
    } catch (error) {
      return this.#handlerFailed(error);
    }
    if (isThenable(result)) {
      result.then(
        (value) => this.#handlerAnswered(value),
        (error: unknown) => this.#handlerFailed(error),
      );
    } else this.#handlerAnswered(result);
  }

  #handled(): { kind: 'request'; service: string; queueMs: number } {
    return { kind: 'request', service: this.#serving.core.service, queueMs: this.#waitedMs() };
  }

  /** The deadline is the append's time and the frame's: what is gone of it was waiting. */
  #waitedMs(): number {
    return Math.max(0, this.#serving.core.clock.now() - this.deadlineAt + (this.frame.ttlMs ?? DEFAULT_TTL_MS));
  }

  #handlerAnswered(result: unknown): void {
    this.#observe();
    try {
      this.#answer(result);
    } catch (error) {
      this.#unanswerable(error);
    }
  }

  #handlerFailed(error: unknown): void {
    this.#observe();
    this.#fail(error);
  }

  #observe(): void {
    const seconds = (this.#serving.core.clock.now() - this.#startedAt) / 1_000;
    const trace = this.#handling === undefined ? undefined : sampledTraceOf(this.frame.traceparent);
    if (trace === undefined) this.#served?.seconds.observe(seconds);
    else this.#served?.seconds.observeTraced(seconds, trace);
  }

  #answer(result: unknown): void {
    this.#context?.release();
    if (result instanceof StreamReply) return this.#stream(result);
    if (this.#late()) return this.#end();
    if (result instanceof Forwarded) {
      this.#forward(result);
      return this.#handling?.end();
    }
    const { codec, body } = encodePayload(result);
    const reply = bareFrame(KIND.REP, codec, 0, body);
    reply.call = this.callNumber;
    const fault = frameFault(reply);
    if (fault !== undefined) throw new BusPayloadTooLarge(`the reply: ${fault.message}`);
    this.#handling?.end();
    this.#serving.counts.value.inc();
    this.#send(reply);
  }

  #fail(error: unknown): void {
    const context = this.#context;
    context?.release();
    this.#handling?.end(error);
    if (context !== undefined && !isDomainError(error)) this.#serving.core.onHandlerError(error, context);
    if (this.#late()) return this.#end();
    this.#serving.counts.error.inc();
    this.#send(handlerError(this.callNumber, error));
  }

  /** What the handler answered cannot be sent: a refusal of the bus reaches the caller as the error it is here. */
  #unanswerable(error: unknown): void {
    if (!(error instanceof BusError)) return this.#fail(error);
    this.#context?.release();
    this.#handling?.end(error);
    if (error instanceof BusOverflow) countOverflow(this.#serving.core.metrics, error);
    if (this.#late()) this.#end();
    else this.#refuse(error);
  }

  #refuse(error: BusError): void {
    this.#serving.counts.refusal.inc();
    this.#send(busRefusal(this.callNumber, error));
  }

  /** The caller has given up: an answer would be an orphan. */
  #late(): boolean {
    const { core, closed } = this.#serving;
    if (closed) {
      this.#handling?.end(new BusClosed());
      return true;
    }
    if (this.deadlineAt > core.clock.now()) return false;
    core.metrics.expired.inc({ where: 'handler' });
    this.#handling?.end(new BusDeadline());
    return true;
  }

  #stream(reply: StreamReply): void {
    const { core, peers } = this.#serving;
    const context = this.#context;
    if (context === undefined || this.#late()) {
      discard(reply);
      return this.#end();
    }
    try {
      if (context.callerCredit === undefined || context.takesValues !== (reply.items === 'values'))
        throw new Error('the caller takes no such stream');
      if (!peers.hasRoom()) throw new BusOverflow('handler');
      const head = frame(KIND.REP, { call: this.callNumber, from: core.instance, ...encodePayload(reply.head) });
      const fault = frameFault(head);
      if (fault !== undefined) throw new BusPayloadTooLarge(`the head of the reply: ${fault.message}`);
      this.#serving.counts.stream.inc();
      void peers.stream(context, reply, head, this.#handling).then(() => this.#end());
    } catch (error) {
      discard(reply);
      throw error;
    }
  }

  /** Sends the request on as it came, but for its subject and payload. The original is settled after that append. */
  #forward(forwarded: Forwarded): void {
    const { core } = this.#serving;
    const { traceparent, tracestate, principal, corrId, metadata, credit, accepts } = this.frame;
    const next = frame(KIND.REQ, {
      ...encodePayload(forwarded.payload),
      call: this.callNumber,
      replyTo: this.caller,
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
    const end = core.hooks?.send(next, {
      kind: 'forward',
      subject: forwarded.subject.name,
      service: forwarded.subject.service,
      deadlineMs: this.deadlineAt - core.clock.now(),
    });
    const fault = frameFault(next);
    if (fault !== undefined) {
      const error = new BusPayloadTooLarge(`the forwarded request: ${fault.message}`);
      end?.(error);
      throw error;
    }
    core.outbox.toService(forwarded.subject.service, next, this.deadlineAt, (error) => {
      end?.(error);
      // An unknown append may have worked: a second answer would contradict the first.
      if (error === undefined || error instanceof BusOutcomeUnknown) {
        this.#serving.counts.forward.inc();
        this.#end();
      } else this.#unanswerable(error);
    });
  }

  /** Sends the answer. When the link is lost it is sent again once the link is back, while the caller still waits. */
  #send(answer: Frame): void {
    const { core } = this.#serving;
    core.outbox.toInbox(this.caller, answer, Infinity, (error, delivered) => {
      if (error instanceof BusUnavailable || error instanceof BusOutcomeUnknown) {
        return this.#whenReady(() => this.#send(answer));
      }
      if (delivered === false) core.metrics.orphaned.inc();
      this.#end();
    });
  }

  #whenReady(again: () => void): void {
    const { link, wheel, clock } = this.#serving.core;
    if (this.#serving.closed || link.status() === 'closed' || this.deadlineAt <= clock.now()) return this.#end();
    let over = false;
    const once = (run: () => void): void => {
      if (over) return;
      over = true;
      stop();
      wheel.remove(due);
      run();
    };
    const giveUp = (): void => this.#end();
    const due = wheel.runAt(this.deadlineAt, () => once(giveUp));
    const stop = link.onStatus((status) => {
      if (status === 'ready') once(again);
      else if (status === 'closed') once(giveUp);
    });
    // A link that says it is ready and refused may have come back meanwhile, or be out of memory: ask again, not at once.
    if (link.status() === 'ready') clock.after(RESEND_MS, () => once(again));
  }

  #end(): void {
    if (this.#holder !== undefined) this.#serving.core.running.leave(this.#holder);
    if (this.#claim !== undefined) this.#serving.window.release(this.#claim);
    if (!this.#serving.closed) this.#done();
    this.#serving.core.slots.release();
  }
}

/** What the caller of a request that was not run is told. On a redelivery an earlier run may have taken effect. */
function unclaimed(outcome: Exclude<ClaimOutcome, 'first'>, attempt: number): BusError {
  if (outcome === 'duplicate') return new BusOutcomeUnknown('the request was started before, and not answered');
  if (attempt > 1) return new BusOutcomeUnknown('whether the request was started before is not known');
  return outcome instanceof BusOverflow
    ? outcome
    : new BusUnavailable('the request could not be claimed, and was not run', { cause: outcome });
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
