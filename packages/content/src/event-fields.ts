/** An event as a stream of events spells it (WHATWG HTML, 9.2.6). */
export interface SentEvent {
  readonly event: string;
  readonly data: string;
  /** Set by this event or one before it. */
  readonly lastEventId: string;
}

/** Puts the lines of a stream of events together. Pure: it holds one event, and no more of its data than its bound. */
export class EventFields {
  /** What the server asks to wait before the next connection, in ms. */
  retryMs: number | undefined;
  readonly #dataMax: number;
  #event = '';
  #data: string[] = [];
  #dataChars = 0;
  #lastEventId: string;

  /** Takes events of at most `dataMax` characters of data; an id goes on from `lastEventId`. */
  constructor(dataMax: number, lastEventId = '') {
    this.#dataMax = dataMax;
    this.#lastEventId = lastEventId;
  }

  /** Whether a line says nothing: a stream that has no event to tell sends such lines as signs of life. */
  static isComment(line: string): boolean {
    return line.startsWith(':');
  }

  /** Takes one line without its end; answers the event it completes. Throws RangeError over the bound. */
  take(text: string): SentEvent | undefined {
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const [name, rest] = colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)];
    this.#field(name, rest.startsWith(' ') ? rest.slice(1) : rest);
    return undefined;
  }

  #field(name: string, value: string): void {
    if (name === 'event') this.#event = value;
    else if (name === 'id' && !value.includes('\0')) this.#lastEventId = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) this.retryMs = Number(value);
    else if (name === 'data') {
      // Each of its lines ends: lines without a character are data too.
      this.#dataChars += value.length + 1;
      if (this.#dataChars > this.#dataMax) throw new RangeError(`an event is over ${this.#dataMax} characters`);
      this.#data.push(value);
    }
  }

  #dispatch(): SentEvent | undefined {
    const data = this.#data.length === 0 ? undefined : this.#data.join('\n');
    const event = this.#event === '' ? 'message' : this.#event;
    this.#event = '';
    this.#data = [];
    this.#dataChars = 0;
    return data === undefined ? undefined : { event, data, lastEventId: this.#lastEventId };
  }
}
