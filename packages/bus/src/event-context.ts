import { BusContext, type HandlerPort } from './bus-context.ts';
import type { Frame } from './wire/frame.ts';
import { EMPTY_STREAM } from './incoming-stream.ts';
import { decodeMetadata } from './wire/payload.ts';

/** The context of an event: nobody waits for an answer, so there is no caller and no deadline. */
export const eventContext = (event: Frame, topic: string, attempt: number, port: HandlerPort): BusContext =>
  new BusContext(
    {
      subject: topic,
      corrId: event.corrId ?? '',
      caller: '',
      callNumber: 0,
      deadlineAt: Infinity,
      attempt,
      principal: event.principal,
      traceparent: event.traceparent,
      tracestate: event.tracestate,
      metadata: decodeMetadata(event.metadata),
      body: EMPTY_STREAM,
      initialCredit: 0,
      callerCredit: undefined,
      takesValues: false,
    },
    port,
  );
