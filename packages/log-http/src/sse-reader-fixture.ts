import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { until } from './booted-log-fixture.ts';

export interface ReadEvent {
  readonly event: string;
  readonly id: string;
  readonly data: unknown;
}

/** For tests: reads a stream of events byte by byte over a socket of its own, and can stop reading. */
export class SseReader implements Disposable {
  readonly events: ReadEvent[] = [];
  readonly comments: string[] = [];
  /** Everything received. */
  text = '';
  ended = false;
  broken = false;
  readonly response: IncomingMessage;
  readonly #request: ClientRequest;
  #parsed = 0;

  constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (piece: string) => this.#take(piece));
    response.on('end', () => (this.ended = true));
    response.on('error', () => (this.broken = true));
  }

  static open(url: string, headers: Record<string, string> = {}): Promise<SseReader> {
    return new Promise((resolve, reject) => {
      const opened = request(url, { headers, agent: false }, (response) => resolve(new SseReader(opened, response)));
      opened.on('error', reject);
      opened.end();
    });
  }

  get versions(): readonly number[] {
    return this.events.filter(({ event }) => event === 'commit').map(({ id }) => Number(id));
  }

  #take(piece: string): void {
    this.text += piece;
    for (let end; (end = this.text.indexOf('\n\n', this.#parsed)) >= 0; this.#parsed = end + 2) {
      const lines = this.text.slice(this.#parsed, end).split('\n');
      const field = (name: string): string =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
      this.comments.push(...lines.filter((line) => line.startsWith(':')));
      if (field('event') === '') continue;
      this.events.push({ event: field('event'), id: field('id'), data: JSON.parse(field('data')) });
    }
  }

  async reads(count: number): Promise<void> {
    await until(() => this.events.length >= count, `${String(count)} events, after ${this.text.slice(-300)}`);
  }

  pause(): void {
    this.response.pause();
    this.response.socket.pause();
  }

  resume(): void {
    this.response.socket.resume();
    this.response.resume();
  }

  [Symbol.dispose](): void {
    this.#request.destroy();
  }
}
