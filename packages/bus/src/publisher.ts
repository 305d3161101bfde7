import type { ClientCalls } from './client-calls.ts';
import { encodeEntry, frameBytes, frameFault } from './wire/codec.ts';
import type { BusCore } from './core.ts';
import { BusOverflow, BusPayloadTooLarge } from './errors.ts';
import { countOverflow } from './metrics.ts';
import { type Frame, frame, KIND, readableTraceparent, readableTracestate } from './wire/frame.ts';
import { encodeMetadata, encodePayload } from './wire/payload.ts';
import type { CallContext } from './subject.ts';

/** Publishes events. A publish counts against the client gate until the medium has admitted it. */
export class Publisher {
  readonly #core: BusCore;
  readonly #calls: ClientCalls;

  constructor(core: BusCore, calls: ClientCalls) {
    this.#core = core;
    this.#calls = calls;
  }

  work(topic: string, event: unknown, context: CallContext): Promise<void> {
    return this.#admitted(
      'work',
      topic,
      eventFrame(topic, event, context),
      (frame) =>
        new Promise((resolve, reject) => {
          this.#core.outbox.toWork(topic, frame, Infinity, (error) => {
            if (error === undefined) resolve();
            else reject(error);
          });
        }),
    );
  }

  /** One hint per entry: the medium numbers entries, and the lag is counted in hints. */
  hint(topic: string, event: unknown, context: CallContext): Promise<void> {
    this.#core.metrics.published.inc();
    return this.#admitted('hint', topic, eventFrame(topic, event, context), (frame) =>
      this.#core.link.publishHint(topic, encodeEntry([frame])),
    );
  }

  async #admitted(
    kind: 'work' | 'hint',
    topic: string,
    event: Frame,
    send: (event: Frame) => Promise<void>,
  ): Promise<void> {
    const { hooks, service } = this.#core;
    const end = hooks?.send(event, { kind, subject: topic, service, deadlineMs: undefined });
    let release: (() => void) | undefined;
    try {
      if (hooks !== undefined) assertFits(topic, event);
      release = this.#calls.publish(frameBytes(event));
      await send(event);
      end?.();
    } catch (error) {
      end?.(error);
      if (error instanceof BusOverflow) countOverflow(this.#core.metrics, error);
      throw error;
    } finally {
      release?.();
    }
  }
}

function eventFrame(topic: string, event: unknown, context: CallContext): Frame {
  const fields = frame(KIND.EVT, {
    ...encodePayload(event),
    route: topic,
    traceparent: readableTraceparent(context.traceparent),
    tracestate: readableTracestate(context.tracestate, context.traceparent),
    principal: context.principal,
    metadata: encodeMetadata(context.metadata),
    corrId: context.corrId,
    orderKey: context.orderKey,
  });
  assertFits(topic, fields);
  return fields;
}

function assertFits(topic: string, event: Frame): void {
  const fault = frameFault(event);
  if (fault !== undefined) throw new BusPayloadTooLarge(`${topic}: ${fault.message}`);
}
