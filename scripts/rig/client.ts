import { randomBytes, randomUUID } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { chunkCount, hashBytes } from '@macronode/content';
import {
  ErrorEnvelope,
  MailboxAckReply,
  MailboxRecvReply,
  MailboxSendReply,
  type Route,
  ROUTES,
} from '@macronode/contracts';
import { Owner } from '../../e2e/name-records.ts';
import type { Ledger } from './ledger.ts';

/** Longer than any deadline of the node: what takes longer hangs. */
const REQUEST_TIMEOUT_MS = 30_000;
const SOCKETS_MAX = 128;
/** The status of a request that was not answered. */
const NO_ANSWER = 0;

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** The header as it came; empty when there was none. */
  readonly retryAfter: string;
  /** False when the body broke off before its Content-Length: what a node can only do once it has sent the head. */
  readonly isWhole: boolean;
}

const UNANSWERED: Answer = Object.freeze({ status: NO_ANSWER, body: Buffer.alloc(0), retryAfter: '', isWhole: true });

export interface ClientOptions {
  /** Milliseconds without a byte after which a request counts as not answered. */
  readonly timeoutMs?: number;
  /** Connections at once; a request above them waits for one. */
  readonly socketsMax?: number;
}

interface Ask {
  /** What stands in the braces of the template. */
  readonly at?: string;
  readonly body?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a request ended without an answer that goes again: a kept connection was closed, or nobody listens there. */
type Failed = 'stale' | 'refused';

/**
 * A client of the gateway that writes every answer into a ledger: `METHOD template code`. Of several gateways it asks one after
 * another, and instead of one that takes no connections the next, as every balancer does.
 */
export class Client {
  readonly ledger: Ledger;
  readonly #bases: readonly URL[];
  readonly #agent: Agent;
  readonly #owner = new Owner();
  readonly #timeoutMs: number;
  #turn = 0;

  constructor(
    urls: string | readonly string[],
    ledger: Ledger,
    { timeoutMs = REQUEST_TIMEOUT_MS, socketsMax = SOCKETS_MAX }: ClientOptions = {},
  ) {
    this.#bases = [urls].flat().map((url) => new URL(url));
    this.ledger = ledger;
    this.#timeoutMs = timeoutMs;
    this.#agent = new Agent({ keepAlive: true, maxSockets: socketsMax });
  }

  close(): void {
    this.#agent.destroy();
  }

  /**
   * Never rejects: a request without an answer is one with status 0. One that was written to a kept connection just as
   * the node closed it goes out once more on another, as every HTTP client does.
   */
  async ask(route: Route, ask: Ask = {}): Promise<Answer> {
    let answer = await this.#once(route, ask);
    for (let left = this.#bases.length; typeof answer === 'string' && left > 0; left -= 1)
      answer = await this.#once(route, ask);
    return this.#write(route, typeof answer === 'string' ? UNANSWERED : answer);
  }

  #once(route: Route, { at = '', body, headers = {} }: Ask): Promise<Answer | Failed> {
    const base = this.#bases[this.#turn++ % this.#bases.length];
    return new Promise((resolve) => {
      const request = httpRequest(
        {
          host: base?.hostname,
          port: base?.port,
          method: route.method,
          path: route.template.replace(/\{[a-z]+\}/, encodeURIComponent(at)),
          agent: this.#agent,
          timeout: this.#timeoutMs,
          headers: { ...headers, ...(body !== undefined && { 'Content-Length': String(body.length) }) },
        },
        (response) => {
          const parts: Buffer[] = [];
          const answer = (isWhole: boolean): void =>
            resolve({
              status: response.statusCode ?? NO_ANSWER,
              body: Buffer.concat(parts),
              retryAfter: response.headers['retry-after'] ?? '',
              isWhole,
            });
          response.on('data', (part: Buffer) => parts.push(part));
          response.once('end', () => answer(true));
          response.once('error', () => answer(false));
        },
      );
      request.once('timeout', () => request.destroy());
      request.on('error', (error: NodeJS.ErrnoException) => {
        const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        resolve(stale ? 'stale' : error.code === 'ECONNREFUSED' ? 'refused' : UNANSWERED);
      });
      request.end(body);
    });
  }

  /** Every answer stands in the ledger. */
  #write(route: Route, answer: Answer): Answer {
    this.ledger.add(`${route.method} ${route.template} ${answer.status}`);
    if (!answer.isWhole) this.ledger.add('broken off');
    this.#countRefusal(answer);
    const isObject = route === ROUTES.objectGet || route === ROUTES.nameRead;
    if (isObject && answer.status < 400) this.ledger.add('bytes out', answer.body.length);
    return answer;
  }

  /** By the finest word the answer has for it, as the panels do. */
  #countRefusal({ status, body, isWhole }: Answer): void {
    if (status < 400 || body.length === 0 || !isWhole) return;
    const { error } = ErrorEnvelope.parse(JSON.parse(body.toString()));
    this.ledger.add(`refused ${error.reason ?? error.code}`);
  }

  /** Half of a JSON text says nothing: such an answer counts as none. */
  async json(route: Route, value: unknown, at?: string): Promise<Answer> {
    const body = Buffer.from(JSON.stringify(value));
    const headers = { 'Content-Type': 'application/json' };
    const answer = await this.ask(route, { ...(at !== undefined && { at }), body, headers });
    return answer.isWhole ? answer : UNANSWERED;
  }

  /** Stores new bytes; answers their id. */
  async put(size: number): Promise<string> {
    const body = randomBytes(size);
    const id = hashBytes(body);
    const { status } = await this.ask(ROUTES.objectPut, { at: id, body });
    if (status === 201) {
      this.ledger.add('objects stored');
      this.ledger.add('chunks written', chunkCount(size));
      this.ledger.add('bytes in', size);
    }
    return id;
  }

  get(id: string, range?: string): Promise<Answer> {
    return this.ask(ROUTES.objectGet, { at: id, ...(range !== undefined && { headers: { Range: range } }) });
  }

  /** Publishes a name of this client; a second time with the same number is refused. */
  async publish(name: string, target: string): Promise<void> {
    const { status } = await this.json(ROUTES.namePut, this.#owner.record(name, 1, target), name);
    if (status === 201) this.ledger.add('names created');
  }

  async send(topic: string, payload = 'hello', key: string = randomUUID()): Promise<void> {
    const message = { topic, idem_key: key, payload_b64: Buffer.from(payload).toString('base64') };
    const { status, body } = await this.json(ROUTES.mailboxSend, message);
    if (status !== 200) return;
    const { duplicate } = MailboxSendReply.parse(JSON.parse(body.toString()));
    this.ledger.add(duplicate ? 'sends repeated' : 'messages accepted');
  }

  /** Receives what there is, for so long; answers the receipts. */
  async receive(topic: string, visibilityMs: number, waitMs = 0): Promise<readonly string[]> {
    const asked = { topic, visibility_ms: visibilityMs, wait_ms: waitMs };
    const { status, body } = await this.json(ROUTES.mailboxRecv, asked);
    if (status !== 200) return [];
    const { messages } = MailboxRecvReply.parse(JSON.parse(body.toString()));
    this.ledger.add('messages delivered', messages.length);
    this.ledger.add('messages redelivered', messages.filter(({ attempt }) => attempt > 1).length);
    return messages.map(({ receipt }) => receipt);
  }

  async acknowledge(receipts: readonly string[]): Promise<void> {
    if (receipts.length === 0) return;
    const { status, body } = await this.json(ROUTES.mailboxAck, { receipts });
    if (status !== 200) return;
    const { results } = MailboxAckReply.parse(JSON.parse(body.toString()));
    for (const result of results) this.ledger.add(result === 'ok' ? 'messages acknowledged' : `receipts ${result}`);
  }
}

/** One of everything a user may do, and what happens when it is not there. */
export async function everything(client: Client, round: number): Promise<void> {
  const small = await client.put(2_000 + (round % 7) * 100);
  const large = await client.put(200_000);
  await client.get(small);
  await client.get(large);
  await client.get(large, 'bytes=70000-140000');
  await client.ask(ROUTES.objectHead, { at: small });
  await client.get(hashBytes(randomBytes(16)));
  const name = `verify-${randomUUID()}.test`;
  await client.publish(name, small);
  await client.ask(ROUTES.nameGet, { at: name });
  await client.ask(ROUTES.nameRead, { at: name });
  const topic = `verify-${round % 4}`;
  await client.send(topic);
  await client.acknowledge(await client.receive(topic, 60_000));
}

/** Keeps so many users busy until it is stopped; each pauses between its rounds. */
export function steadyTraffic(client: Client, users: number, pauseMs: number): { stop(): Promise<void> } {
  let over = false;
  const user = async (number: number): Promise<void> => {
    for (let round = number; !over; round += users) {
      await everything(client, round);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const users_ = Array.from({ length: users }, (_, number) => user(number));
  return {
    stop: async () => {
      over = true;
      await Promise.all(users_);
    },
  };
}
