import { connect, type Socket } from 'node:net';

interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** For this module's test: HTTP/1.1 by hand over one socket, for what a well-behaved client never sends. */
export class RawClient implements Disposable {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake = (): void => undefined;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.on('data', (piece: Buffer) => {
      this.#received = Buffer.concat([this.#received, piece]);
      this.#wake();
    });
    for (const event of ['end', 'close', 'error']) {
      this.#socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  send(...lines: readonly string[]): void {
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Whether the server has ended its side. Waits for it, or for an answer nobody expected. */
  async closed(): Promise<boolean> {
    while (!this.#ended && this.#received.length === 0) await this.#more();
    return this.#ended && this.#received.length === 0;
  }

  /** The next answer, whole. An interim one (100) counts as an answer. */
  async answer(): Promise<RawAnswer> {
    let end: number;
    while ((end = this.#received.indexOf('\r\n\r\n')) < 0) await this.#moreOrFail();
    const [first = '', ...lines] = this.#received.subarray(0, end).toString('latin1').split('\r\n');
    const headers = new Map(
      lines.map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
      }),
    );
    const length = Number(headers.get('content-length') ?? 0);
    while (this.#received.length < end + 4 + length) await this.#moreOrFail();
    const body = this.#received.subarray(end + 4, end + 4 + length).toString();
    this.#received = this.#received.subarray(end + 4 + length);
    return { status: Number(first.split(' ')[1]), headers, body };
  }

  async #moreOrFail(): Promise<void> {
    if (this.#ended) throw new Error(`the connection ended after ${JSON.stringify(this.#received.toString('latin1'))}`);
    await this.#more();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
