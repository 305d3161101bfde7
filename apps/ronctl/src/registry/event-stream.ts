import { textLines } from '../text-lines.ts';

/** One event of a `text/event-stream` (WHATWG HTML, 9.2). */
export interface StreamEvent {
  readonly type: string;
  readonly data: string;
  /** The last id seen, this event's or an earlier one's. */
  readonly id: string;
}

/** The events of a stream as they come. Comments, which keep a quiet stream open, are passed over. */
export async function* streamEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  let [type, id] = ['message', ''];
  let data: string[] = [];
  for await (const raw of textLines(chunks)) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '') {
      if (data.length > 0) yield { type, data: data.join('\n'), id };
      type = 'message';
      data = [];
      continue;
    }
    const cut = line.indexOf(':');
    const field = cut < 0 ? line : line.slice(0, cut);
    const value = cut < 0 ? '' : line.slice(cut + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') type = value;
    else if (field === 'id') id = value;
  }
}
