import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An OTLP receiver that takes everything and keeps the bytes only while told to: the cheapest collector there can be. */
export class OtlpSink implements AsyncDisposable {
  readonly #server: Server;
  readonly #kept: Buffer[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start({ keep }: { readonly keep: boolean }): Promise<OtlpSink> {
    const server = createServer();
    const sink = new OtlpSink(server);
    server.on('request', (request, response) => {
      request.on('data', (part: Buffer) => {
        if (keep) sink.#kept.push(part);
      });
      request.once('end', () => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  /** Base URL of the receiver. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Whether a span of this trace came: its id is in the message as 16 bytes. */
  got(traceId: string): boolean {
    return Buffer.concat(this.#kept).includes(Buffer.from(traceId, 'hex'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}
