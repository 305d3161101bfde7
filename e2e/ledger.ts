import { Agent } from 'node:http';
import { MailboxAckReply, MailboxRecvReply, MailboxSendReply, ErrorEnvelope } from '@macronode/contracts';
import { hashBytes } from '@macronode/content';
import { BrokenBody, Client, headerOf, StaleConnection, type Reply, type Request } from './client.ts';
import { freshObject, unique } from './content.ts';
import { poll } from './poll.ts';

/** One request of the load that did not succeed. */
export interface Miss {
  readonly what: string;
  /** Undefined when no answer came at all. */
  readonly status: number | undefined;
  /** The answer had begun and its body broke off. */
  readonly brokeOff: boolean;
  readonly code: string | undefined;
  readonly retryAfter: string;
  /** What the client saw break, when no answer came. */
  readonly broke: string;
  readonly tookMs: number;
}

/**
 * A mixed load that writes down what the node acknowledged, so that it can be asked for afterwards.
 * An answer that never came is written down as neither: it may have taken effect.
 */
export class Ledger {
  readonly topic = unique('ledger');
  readonly misses: Miss[] = [];
  /** Milliseconds of the slowest answer of any kind. */
  slowestMs = 0;
  acknowledged = 0;
  /** Requests sent once more because the kept connection they went out on had just been closed. */
  reconnects = 0;
  readonly #reconnects: boolean;
  readonly #client = new Client({ agent: new Agent({ keepAlive: true }) });
  readonly #objects = new Set<string>();
  readonly #names = new Map<string, string>();
  readonly #sent = new Set<string>();
  readonly #received = new Set<string>();
  readonly #acked = new Map<string, number>();
  readonly #redelivered: string[] = [];
  #stopped = false;
  #workers: Promise<void>[] = [];

  /** With `reconnects` it does what every client with kept connections does: it opens another one for a closed one. */
  constructor({ reconnects = false }: { readonly reconnects?: boolean } = {}) {
    this.#reconnects = reconnects;
  }

  start(workersPerKind = 2): void {
    const kinds = [() => this.#object(), () => this.#name(), () => this.#send(), () => this.#receive()];
    this.#workers = Array.from({ length: workersPerKind }, () => kinds)
      .flat()
      .map(async (step) => {
        while (!this.#stopped) await step();
      });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#workers);
  }

  /** Waits until that many more requests of the load were acknowledged. */
  async progress(more: number, deadlineMs = 30_000): Promise<void> {
    const goal = this.acknowledged + more;
    await poll(async () => (this.acknowledged >= goal ? true : undefined), {
      what: `${more} more acknowledged requests`,
      deadlineMs,
    });
  }

  /** Asks for everything that was acknowledged and returns what is missing or wrong: nothing, if all is well. */
  async audit(): Promise<string[]> {
    const wrong: string[] = [];
    for (const id of this.#objects) {
      const reply = await this.#client.get(`/o/${id}`);
      if (reply.status !== 200 || hashBytes(reply.bytes) !== id) wrong.push(`object ${id}: ${reply.status}`);
    }
    for (const [name, id] of this.#names) {
      const reply = await this.#client.head(`/n/${name}`);
      if (headerOf(reply, 'etag') !== `"${id}"`) wrong.push(`name ${name}: ${reply.status} ${headerOf(reply, 'etag')}`);
    }
    // Leases of receivers that were cut off run out first; then every message is here or was received.
    await poll(
      async () => {
        await this.#receive();
        return [...this.#sent].every((id) => this.#received.has(id)) ? true : undefined;
      },
      { what: 'every acknowledged message to be delivered', deadlineMs: 20_000 },
    ).catch(() => {
      for (const id of this.#sent) if (!this.#received.has(id)) wrong.push(`message ${id} was never delivered`);
    });
    return [...wrong, ...this.#redelivered.map((id) => `message ${id} came again after its acknowledgement`)];
  }

  get counts(): string {
    return `${this.#objects.size} objects, ${this.#names.size} names, ${this.#sent.size} messages sent, ${this.#acked.size} acknowledged, ${this.misses.length} refused`;
  }

  async #object(): Promise<void> {
    const { bytes, id } = freshObject(100 + Math.floor(Math.random() * 150_000));
    const reply = await this.#try({ method: 'PUT', path: `/o/${id}`, body: bytes });
    if (reply !== undefined) this.#objects.add(id);
    const read = await this.#try({ method: 'GET', path: `/o/${id}` }, [404]);
    if (read?.status === 404 && reply !== undefined) this.misses.push({ ...missOf('lost object', read), tookMs: 0 });
  }

  async #name(): Promise<void> {
    const name = `${unique('ledger')}.example`;
    const target = [...this.#objects].at(-1);
    if (target === undefined) {
      await this.#object();
      return;
    }
    if ((await this.#try(jsonCall('PUT', `/names/${name}`, { target }))) !== undefined) this.#names.set(name, target);
  }

  async #send(): Promise<void> {
    const body = { topic: this.topic, idem_key: unique('k'), payload_b64: 'aGVsbG8=' };
    const reply = await this.#try(jsonCall('POST', '/mailbox/send', body));
    if (reply !== undefined) this.#sent.add(MailboxSendReply.parse(reply.json()).msg_id);
  }

  async #receive(): Promise<void> {
    const receivedAtMs = performance.now();
    const reply = await this.#try(
      jsonCall('POST', '/mailbox/recv', { topic: this.topic, max_messages: 16, visibility_ms: 2_000, wait_ms: 200 }),
    );
    if (reply === undefined) return;
    const { messages } = MailboxRecvReply.parse(reply.json());
    for (const { msg_id } of messages) {
      this.#received.add(msg_id);
      // Asked for after the acknowledgement had been answered: M4 forbids it.
      if ((this.#acked.get(msg_id) ?? Infinity) < receivedAtMs) this.#redelivered.push(msg_id);
    }
    if (messages.length === 0) return;
    const acked = await this.#try(
      jsonCall('POST', '/mailbox/ack', { receipts: messages.map(({ receipt }) => receipt) }),
    );
    if (acked === undefined) return;
    MailboxAckReply.parse(acked.json()).results.forEach((result, i) => {
      const message = messages[i];
      if (result === 'ok' && message !== undefined) this.#acked.set(message.msg_id, performance.now());
    });
  }

  async #sendOrReconnect(call: Request): Promise<Reply> {
    try {
      return await this.#client.send(call);
    } catch (error) {
      if (!this.#reconnects || !(error instanceof StaleConnection)) throw error;
      this.reconnects += 1;
      return this.#sendOrReconnect(call);
    }
  }

  /** The reply when it is a success or one of `also`; a refusal or a broken connection is written down. */
  async #try(call: Request, also: readonly number[] = []): Promise<Reply | undefined> {
    const startedMs = performance.now();
    let reply: Reply | undefined;
    let broken: unknown;
    try {
      reply = await this.#sendOrReconnect({ ...call, timeoutMs: 30_000 });
    } catch (error) {
      broken = error;
    }
    const tookMs = performance.now() - startedMs;
    this.slowestMs = Math.max(this.slowestMs, tookMs);
    if (reply !== undefined && (reply.status < 300 || also.includes(reply.status))) {
      this.acknowledged += 1;
      return reply;
    }
    const what = `${call.method} ${call.path.split('/')[1] ?? ''}`;
    this.misses.push(
      broken instanceof BrokenBody
        ? { ...missOf(what, undefined), status: broken.status, brokeOff: true, tookMs }
        : { ...missOf(what, reply), broke: broken === undefined ? '' : String(broken), tookMs },
    );
    // A refused worker asks again at the pace of a polite client, not as fast as it can.
    await poll(async () => (performance.now() - startedMs > 50 ? true : undefined), { what: 'a pause' });
    return undefined;
  }
}

const jsonCall = (method: string, path: string, value: unknown): Request => ({
  method,
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

function missOf(what: string, reply: Reply | undefined): Omit<Miss, 'tookMs'> {
  const none = { what, status: undefined, brokeOff: false, code: undefined, retryAfter: '', broke: '' };
  if (reply === undefined) return none;
  const parsed = ErrorEnvelope.safeParse(reply.status >= 400 ? reply.json() : undefined);
  const code = parsed.success ? parsed.data.error.code : undefined;
  return { ...none, status: reply.status, code, retryAfter: headerOf(reply, 'retry-after') };
}
