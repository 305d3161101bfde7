import { EventFields, type SentEvent } from '@macronode/content';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { answerLines } from '../node-client.ts';

/** Of a line in bytes, and of the data of an event in characters: a commit with every name spelt out is a few hundred. */
const EVENT_MAX = 64 * 1024;

/** The events of a stream as they come, and undefined for a comment: those keep a quiet stream open. */
export async function* streamEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SentEvent | undefined> {
  const fields = new EventFields(EVENT_MAX);
  for await (const line of answerLines(chunks, EVENT_MAX)) {
    const event = taken(fields, line);
    if (event !== undefined || EventFields.isComment(line)) yield event;
  }
}

function taken(fields: EventFields, line: string): SentEvent | undefined {
  try {
    return fields.take(line);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new Failure(EXIT.error, `an event of the stream is over ${EVENT_MAX} characters`, { cause });
  }
}
