import type { ClientCalls } from './client-calls.ts';
import { encodeEntry, frameBytes, frameFault } from './wire/codec.ts';
import type { BusCore } from './core.ts';
import { BusOverflow, BusPayloadTooLarge } from './errors.ts';
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
    return this.#admitted(eventFrame(topic, event, context), (frame) =>
      this.#core.link.publishHint(topic, encodeEntry([frame])),
    );
  }

  async #admitted(event: Frame, send: (event: Frame) => Promise<void>): Promise<void> {
    let release: (() => void) | undefined;
    try {
      release = this.#calls.publish(frameBytes(event));
      await send(event);
    } catch (error) {
      if (error instanceof BusOverflow) this.#core.metrics.overflow.inc({ gate: error.gate });
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
  const fault = frameFault(fields);
  if (fault !== undefined) throw new BusPayloadTooLarge(`${topic}: ${fault.message}`);
  return fields;
}
