import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type AddCheckpointRequest, parseAddCheckpoint } from '@macronode/log';
import type { WitnessAnswer } from './witness.ts';

export interface ReceivedCheckpoint {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly request: AddCheckpointRequest;
}

/** What is answered to the request of this number, from 1; a script may also write the answer itself. */
type Script = (
  received: ReceivedCheckpoint,
  at: number,
  response: ServerResponse,
) => WitnessAnswer | undefined | Promise<WitnessAnswer | undefined>;

/** A witness that answers as the test says: no node of ours would. */
export class ScriptedWitness implements AsyncDisposable {
  readonly received: ReceivedCheckpoint[] = [];
  script: Script;
  readonly #server: Server;

  private constructor(script: Script) {
    this.script = script;
    this.#server = createServer((incoming, response) => {
      void buffer(incoming).then(async (body) => {
        const received = { headers: incoming.headers, body, request: parseAddCheckpoint(body) };
        const at = this.received.push(received);
        const answer = await this.script(received, at, response);
        if (answer !== undefined) response.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body);
      });
    });
  }

  static async open(script: Script): Promise<ScriptedWitness> {
    const opened = new ScriptedWitness(script);
    opened.#server.listen(0, '127.0.0.1');
    await once(opened.#server, 'listening');
    return opened;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The size each request began at. */
  get oldSizes(): number[] {
    return this.received.map(({ request }) => request.oldSize);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
