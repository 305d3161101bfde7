// Somebody who asks from an address of the loopback nobody else asks from: gateways tell clients apart by it.
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { ErrorEnvelope, MESH_SCORE_HEADER, type Route } from '@macronode/contracts';
import type { Ledger } from './ledger.ts';

const TIMEOUT_MS = 10_000;
/** Asked at once by one that storms. */
const AT_ONCE = 32;

export interface AddressedAnswer {
  /** 0 when no answer came. */
  readonly status: number;
  /** The finest word a refusal has for itself; empty for anything else. */
  readonly reason: string;
  /** What the gateway says the mesh thinks of this client; undefined when it says nothing. */
  readonly score: string | undefined;
}

interface Asked {
  readonly url: string;
  readonly route: Route;
  /** What stands in the braces of its template. */
  readonly at: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class AddressedClient implements Disposable {
  readonly address: string;
  readonly #agent: Agent;
  readonly #ledger: Ledger;

  /** Answers are counted in the ledger, as those of everybody else. */
  constructor(address: string, ledger: Ledger) {
    this.address = address;
    this.#ledger = ledger;
    this.#agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE, localAddress: address });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  /** Never rejects. */
  async ask({ url, route, at, headers = {} }: Asked): Promise<AddressedAnswer> {
    const { promise, resolve } = Promise.withResolvers<IncomingMessage | undefined>();
    const request = httpRequest(
      url + route.template.replace(/\{[a-z]+\}/, encodeURIComponent(at)),
      { method: route.method, agent: this.#agent, timeout: TIMEOUT_MS, headers },
      resolve,
    );
    request.once('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
    request.end();
    const response = await promise;
    const status = response?.statusCode ?? 0;
    const body = response === undefined ? '' : await text(response).catch(() => '');
    this.#ledger.add(`${route.method} ${route.template} ${status}`);
    const score = response?.headers[MESH_SCORE_HEADER];
    return { status, reason: reasonOf(status, body), score: typeof score === 'string' ? score : undefined };
  }

  /** Asks over its share until it is cut; false when it asked so often and was not. */
  async storm(asked: Asked, most: number): Promise<boolean> {
    let left = most;
    let cut = false;
    const ask = async (): Promise<void> => {
      while (!cut && left-- > 0) cut = (await this.ask(asked)).reason === 'client_cut' || cut;
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    return cut;
  }
}

function reasonOf(status: number, body: string): string {
  if (status < 400 || body === '') return '';
  const { error } = ErrorEnvelope.parse(JSON.parse(body));
  return error.reason ?? error.code;
}
