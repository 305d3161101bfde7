import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { textLines } from '../text-lines.ts';

/** Characters of the data of one event: a commit with every name spelt out is a few hundred. More would be held in memory. */
const DATA_CHARS_MAX = 64 * 1024;

/** One event of a `text/event-stream` (WHATWG HTML, 9.2). */
export interface StreamEvent {
  readonly type: string;
  readonly data: string;
  /** The last id seen, this event's or an earlier one's. */
  readonly id: string;
}

/** The events of a stream as they come, and undefined for a comment: those keep a quiet stream open. */
export async function* streamEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent | undefined> {
  let [type, id] = ['message', ''];
  let data: string[] = [];
  let dataChars = 0;
  for await (const raw of textLines(chunks)) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '') {
      if (data.length > 0) yield { type, data: data.join('\n'), id };
      type = 'message';
      data = [];
      dataChars = 0;
      continue;
    }
    if (line.startsWith(':')) {
      yield undefined;
      continue;
    }
    const cut = line.indexOf(':');
    const field = cut < 0 ? line : line.slice(0, cut);
    const value = cut < 0 ? '' : line.slice(cut + 1).replace(/^ /, '');
    if (field === 'data') {
      data.push(value);
      dataChars += value.length + 1;
      if (dataChars > DATA_CHARS_MAX) {
        throw new Failure(EXIT.error, `an event of the stream is over ${DATA_CHARS_MAX} characters`);
      }
    }
    if (field === 'event') type = value;
    else if (field === 'id') id = value;
  }
}
