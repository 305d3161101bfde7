import { BusContext, type HandlerPort } from './bus-context.ts';
import type { Frame } from './wire/frame.ts';
import { EMPTY_STREAM } from './incoming-stream.ts';

/** The context of an event: nobody waits for an answer, so there is no caller and no deadline. */
export const eventContext = (event: Frame, topic: string, attempt: number, port: HandlerPort): BusContext =>
  new BusContext(
    { frame: event, subject: topic, caller: '', callNumber: 0, deadlineAt: Infinity, attempt, body: EMPTY_STREAM },
    port,
  );
