// The load of every scenario: arrivals at a fixed rate whatever becomes of them, one of everything each third of a second.
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { hashBytes } from '@macronode/content';
import { MailboxAckReply, MailboxRecvReply, MailboxSendReply, ROUTES } from '@macronode/contracts';
import { Owner } from '../../e2e/name-records.ts';
import { poll } from '../poll.ts';
import { type Answer, Client } from '../rig/client.ts';
import { Ledger } from '../rig/ledger.ts';
import { Book } from './book.ts';
import type { Kind, Sample, UserKind } from './observation.ts';

/** Requests a second: what six processes, a proxy, a Redis and this client bear on two shared cores with room to spare. */
export const RATE_PER_SECOND = 60;
/** Twenty arrivals and all over again: 35 % GET, 10 % HEAD, 5 % Range, 5 % 304, 10 % by name, 35 % writes. */
const ROUND: readonly Exclude<UserKind, 'ack'>[] = [
  ...(['get', 'put', 'get', 'send', 'head', 'name_read', 'get', 'receive', 'range', 'get'] as const),
  ...(['publish', 'get', 'put', 'not_modified', 'get', 'send', 'head', 'name_read', 'get', 'receive'] as const),
];
/** Longer than any deadline of a node. */
const TIMEOUT_MS = 20_000;
/** A node that answers nothing for a minute has so many waiting; a bound for this process, not for the node. */
const OUTSTANDING_MAX = 4_000;
const TICK_MS = 10;
const SIZES = [2_000, 12_000, 70_000, 200_000] as const;
const SEEDS = 16;
/** Reads go to what was stored last, old enough to be everywhere. */
const RECENT = 200;
const VISIBILITY_MS = 2_000;
const BATCH = 32;
/** Leases of receivers that were cut off run out first, then every message has its turn. */
const DRAIN_TIMEOUT_MS = 25_000;
const WEEK_MS = 7 * 24 * 3_600_000;

export class Load {
  readonly book = new Book();
  readonly client: Client;
  readonly samples: Sample[] = [];
  readonly topic = `chaos-${randomUUID()}`;
  readonly #owner = new Owner();
  readonly #publishing = new Set<string>();
  readonly #sequence = new Map<string, number>();
  /** Names whose target is known to be read. */
  readonly #readable: string[] = [];
  #outstanding = 0;
  #startedAt = performance.now();
  #over = false;
  #loop: Promise<void> = Promise.resolve();
  #turn = 0;

  /** Asks these gateways in turn. */
  constructor(urls: string | readonly string[]) {
    this.client = new Client(urls, new Ledger(), { timeoutMs: TIMEOUT_MS, socketsMax: Infinity });
  }

  /** Ms since the load began. */
  get now(): number {
    return performance.now() - this.#startedAt;
  }

  /** What the first reads ask for. Throws when the node does not take it. */
  async seed(): Promise<void> {
    for (let i = 0; i < SEEDS; i += 1) {
      const put = await this.#put();
      const publish = await this.#publish();
      if (put.status !== 201 || publish?.status !== 201)
        throw new Error(`the node takes no writes before anything is broken: ${put.status}, ${publish?.status ?? 0}`);
    }
    this.samples.length = 0;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#loop = this.#arrive();
  }

  /** No more arrivals; resolves when the last request is answered or given up. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#loop;
    await poll('the last requests', 2 * TIMEOUT_MS, () => this.#outstanding === 0);
  }

  async #arrive(): Promise<void> {
    let sent = 0;
    while (!this.#over) {
      const due = Math.floor((this.now / 1_000) * RATE_PER_SECOND);
      for (; sent < due && this.#outstanding < OUTSTANDING_MAX; sent += 1) void this.#request();
      await delay(TICK_MS);
    }
  }

  async #request(): Promise<void> {
    const kind = ROUND[this.#turn++ % ROUND.length] ?? 'get';
    this.#outstanding += 1;
    try {
      await this.#ask(kind);
    } finally {
      this.#outstanding -= 1;
    }
  }

  async #ask(kind: Exclude<UserKind, 'ack'>): Promise<void> {
    switch (kind) {
      case 'get':
      case 'range':
      case 'not_modified':
        return this.#read(kind);
      case 'head':
        return void (await this.#timed(kind, () => this.client.ask(ROUTES.objectHead, { at: this.#object() })));
      case 'name_read':
        return void (await this.#timed(kind, () => this.client.ask(ROUTES.nameRead, { at: this.#name() })));
      case 'put':
        return void (await this.#put());
      case 'publish':
        return void (await this.#publish());
      case 'send':
        return this.#send();
      case 'receive':
        return void (await this.receive());
    }
  }

  /** So many reads at once, beside the arrivals and judged like them. */
  async burst(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#read('get')));
  }

  async #timed(kind: Kind, work: () => Promise<Answer>): Promise<Answer> {
    const at = this.now;
    const answer = await work();
    const { status, retryAfter, isWhole } = answer;
    this.samples.push({ kind, at, ms: this.now - at, status, retryAfter, isWhole });
    return answer;
  }

  #object(): string {
    const { objects } = this.book;
    const recent = Math.min(RECENT, objects.length);
    return objects[objects.length - 1 - Math.floor(Math.random() * recent)] ?? '';
  }

  #name(): string {
    return this.#readable[Math.floor(Math.random() * this.#readable.length)] ?? '';
  }

  async #read(kind: 'get' | 'range' | 'not_modified'): Promise<void> {
    const id = this.#object();
    const { headers, status } = this.#reading(kind, id);
    const answer = await this.#timed(kind, () => this.client.ask(ROUTES.objectGet, { at: id, headers }));
    if (answer.status > 0 && answer.status < 400 && answer.status !== status)
      this.book.found(`${kind} answered ${answer.status}`);
    if (answer.status === 200 && answer.isWhole && !this.book.isObjectWhole(id, answer.body))
      this.book.found('wrong bytes were served');
  }

  #reading(kind: 'get' | 'range' | 'not_modified', id: string): { headers: Record<string, string>; status: number } {
    if (kind === 'range') return { headers: { Range: 'bytes=100-1099' }, status: 206 };
    return kind === 'not_modified'
      ? { headers: { 'If-None-Match': `"${id}"` }, status: 304 }
      : { headers: {}, status: 200 };
  }

  async #put(): Promise<Answer> {
    const body = randomBytes(SIZES[this.book.objects.length % SIZES.length] ?? 0);
    const id = hashBytes(body);
    const answer = await this.#timed('put', () => this.client.ask(ROUTES.objectPut, { at: id, body }));
    if (answer.status === 200 || answer.status === 201) this.book.objectStored(id);
    return answer;
  }

  /** A new name, or the next record of one there is. One record of a name at a time: its owner knows the order. */
  async #publish(): Promise<Answer | undefined> {
    const known = [...this.#sequence.keys()];
    const old = known.length < SEEDS ? undefined : known[Math.floor(Math.random() * known.length * 2)];
    const name = old === undefined || this.#publishing.has(old) ? `chaos-${randomUUID()}.test` : old;
    const seq = (this.#sequence.get(name) ?? 0) + 1;
    this.#sequence.set(name, seq);
    this.#publishing.add(name);
    const lasts = { not_after: new Date(Date.now() + WEEK_MS).toISOString() };
    const record = this.#owner.record(name, seq, this.#object(), lasts);
    const answer = await this.#timed('publish', () => this.client.json(ROUTES.namePut, record, name));
    this.#publishing.delete(name);
    if (answer.status === 200 || answer.status === 201) {
      this.book.namePublished(name, seq);
      if (seq === 1) this.#readable.push(name);
    }
    return answer;
  }

  async #send(): Promise<void> {
    const message = { topic: this.topic, idem_key: randomUUID(), payload_b64: 'aGVsbG8=' };
    const answer = await this.#timed('send', () => this.client.json(ROUTES.mailboxSend, message));
    if (answer.status !== 200) return;
    const { msg_id, duplicate } = MailboxSendReply.parse(JSON.parse(answer.body.toString()));
    this.book.messageSent(msg_id, duplicate);
  }

  /** Receives what there is and acknowledges it. */
  async receive(): Promise<void> {
    const askedAt = performance.now();
    const asked = { topic: this.topic, max_messages: BATCH, visibility_ms: VISIBILITY_MS, wait_ms: 0 };
    const answer = await this.#timed('receive', () => this.client.json(ROUTES.mailboxRecv, asked));
    if (answer.status !== 200) return;
    const { messages } = MailboxRecvReply.parse(JSON.parse(answer.body.toString()));
    for (const { msg_id } of messages) this.book.messageReceived(msg_id, askedAt);
    if (messages.length === 0) return;
    const receipts = messages.map(({ receipt }) => receipt);
    const acked = await this.#timed('ack', () => this.client.json(ROUTES.mailboxAck, { receipts }));
    if (acked.status !== 200) {
      for (const { msg_id } of messages) this.book.acknowledgementInDoubt(msg_id);
      return;
    }
    MailboxAckReply.parse(JSON.parse(acked.body.toString())).results.forEach((result, i) => {
      const message = messages[i];
      if (result === 'ok' && message !== undefined) this.book.messageAcknowledged(message.msg_id);
    });
  }

  /** Asks for everything that was acknowledged; answers how much of it is lost. Only after `stop`. */
  async audit(): Promise<number> {
    let lost = 0;
    for (const id of this.book.objects) {
      const { status, body } = await this.client.get(id);
      if (status !== 200 || !this.book.isObjectWhole(id, body)) lost += 1;
    }
    for (const name of this.book.names.keys()) {
      const { status, body } = await this.client.ask(ROUTES.nameGet, { at: name });
      if (status !== 200 || !this.book.isNameKept(name, body)) lost += 1;
    }
    await poll(
      'every message to be delivered and acknowledged',
      DRAIN_TIMEOUT_MS,
      async () => {
        await this.receive();
        return this.book.unacknowledged === 0;
      },
      100,
    ).catch(() => {
      const open = this.book.unacknowledged - this.book.undelivered;
      if (open > 0) this.book.found(`${open} messages could not be acknowledged`);
    });
    return lost + this.book.undelivered;
  }
}
