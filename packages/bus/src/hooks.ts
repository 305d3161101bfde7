import type { CounterCell } from '@macronode/metrics';
import type { BusContext } from './bus-context.ts';
import type { Lane } from './link.ts';
import { type Frame, readableTraceparent, readableTracestate } from './wire/frame.ts';

/** A message that is about to be sent. */
export interface SentMessage {
  readonly kind: 'request' | 'forward' | 'work' | 'hint';
  /** Subject or topic. */
  readonly subject: string;
  /** Who answers it; of an event, who sends it. */
  readonly service: string;
  readonly corrId: string;
  /** The trace it would travel with: of a forward, that of the handler that forwards. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** Encoded payload, in bytes. */
  readonly bytes: number;
  /** When its caller gives up, in ms from now; undefined for an event. */
  readonly deadlineMs: number | undefined;
}

/** What a hook answers for a message it follows. */
export interface SendSpan {
  /** Travels in place of the message's own, with its `tracestate`: the context of this span. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  /** Called once: the call was answered, the publish or the forward admitted; or why not. */
  end(error?: unknown): void;
}

/** One delivered entry, before any of its handlers runs. */
export interface ReceivedBatch {
  readonly kind: 'request' | 'work' | 'hint';
  /** The service whose requests they are, or the topic. */
  readonly name: string;
  readonly lane: Lane | 'none';
  /** Trace, subject and correlation of each frame, to link to. */
  readonly frames: readonly Pick<Frame, 'route' | 'corrId' | 'traceparent' | 'tracestate' | 'body'>[];
  /** Since the append, in ms; 0 for a hint, whose age is not told. */
  readonly ageMs: number;
  /** 1 on the first delivery. */
  readonly attempt: number;
}

/** What a hook is told of a handler beside its context. */
export interface HandledMessage {
  readonly kind: 'request' | 'work' | 'hint';
  readonly service: string;
  /** Payload, in bytes. */
  readonly bytes: number;
  /** From the append until the handler starts, in ms; 0 for an event. */
  readonly queueMs: number;
}

/** What a hook answers for a handler it follows. */
export interface HandleSpan {
  /** Becomes the handler's own trace context: of its calls, of what it forwards, and of `context.traceparent`. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  /** Runs the handler, e.g. inside an AsyncLocalStorage. It must call `handler` and answer what that answers. */
  run?<T>(handler: () => T): T;
  /** Called once: with nothing after a value, a forward or the end of a stream, else with the error or the reason of the abort. */
  end(error?: unknown): void;
}

/** Told of what passes through a bus, for spans. A hook that throws is counted in `bus_hook_failures_total`, nothing else. */
export interface BusHooks {
  onSend?(message: SentMessage): SendSpan | undefined;
  onReceive?(batch: ReceivedBatch): void;
  onHandle?(context: BusContext, message: HandledMessage): HandleSpan | undefined;
}

/** A handler that a hook follows. */
export interface Handling {
  run<T>(handler: () => T): T;
  end(error?: unknown): void;
}

/** Calls hooks so that what they throw reaches no message, and each end is told once. */
export class HookRunner {
  readonly #hooks: BusHooks;
  readonly #failures: CounterCell;

  constructor(hooks: BusHooks, failures: CounterCell) {
    this.#hooks = hooks;
    this.#failures = failures;
  }

  /** Follows a frame that is about to be sent, and gives it the trace of its span. The answer ends the span. */
  send(
    frame: Frame,
    message: Omit<SentMessage, 'corrId' | 'traceparent' | 'tracestate' | 'bytes'>,
  ): (error?: unknown) => void {
    const { corrId = '', traceparent, tracestate, body } = frame;
    const span = this.#guard(() =>
      this.#hooks.onSend?.({ ...message, corrId, traceparent, tracestate, bytes: body.length }),
    );
    if (span === undefined) return () => undefined;
    this.#adopt(frame, span);
    return this.#once(span);
  }

  receive(batch: ReceivedBatch): void {
    this.#guard(() => this.#hooks.onReceive?.(batch));
  }

  /** Follows a handler, which gets the trace of its span. An abort of the context ends the span too. */
  handle(context: BusContext, frame: Frame, message: Omit<HandledMessage, 'bytes'>): Handling | undefined {
    const span = this.#guard(() => this.#hooks.onHandle?.(context, { ...message, bytes: frame.body.length }));
    if (span === undefined) return undefined;
    this.#adopt(frame, span);
    const end = this.#once(span);
    context.signal.addEventListener('abort', () => end(context.signal.reason), { once: true });
    return { run: (handler) => this.#run(span, handler), end };
  }

  /** The hook's own failure must not run the handler twice, nor hide what the handler threw. */
  #run<T>(span: HandleSpan, handler: () => T): T {
    if (span.run === undefined) return handler();
    let started = false;
    let failed = false;
    let value: T | undefined;
    let thrown: unknown;
    const once = (): T => {
      started = true;
      try {
        value = handler();
        return value;
      } catch (error) {
        failed = true;
        thrown = error;
        throw error;
      }
    };
    try {
      span.run(once);
    } catch {
      if (!failed) this.#failures.inc();
    }
    if (!started) return handler();
    if (failed) throw thrown;
    return value as T;
  }

  #adopt(frame: Frame, { traceparent, tracestate }: Pick<SendSpan, 'traceparent' | 'tracestate'>): void {
    const readable = readableTraceparent(traceparent);
    if (readable === undefined) return;
    frame.traceparent = readable;
    frame.tracestate = readableTracestate(tracestate, readable);
  }

  #once(span: { end(error?: unknown): void }): (error?: unknown) => void {
    let ended = false;
    return (error) => {
      if (ended) return;
      ended = true;
      this.#guard(() => span.end(error));
    };
  }

  #guard<T>(hook: () => T): T | undefined {
    try {
      return hook();
    } catch {
      this.#failures.inc();
      return undefined;
    }
  }
}
