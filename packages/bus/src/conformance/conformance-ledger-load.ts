import type { Bus } from '../bus.ts';
import { BusError } from '../errors.ts';
import type { StreamTicket } from '../subject.ts';
import type { LedgerBook, LedgerKind } from './conformance-ledger-book.ts';
import { context, eventually, subject, topic } from './conformance-world.ts';

/** The service under load, and the groups that handle its work. */
export const LEDGER_SERVICE = 'ledger';
export const LEDGER_GROUPS: readonly string[] = Object.freeze(['ledger', 'audit']);
const WORK = topic('ledger.work');
const HINTS = topic('ledger.hint');
const KIB = 1024;
/** Limits of callers and servers: a stream whose other end was killed is given up within seconds. */
export const LEDGER_LIMITS = Object.freeze({ streamIdleMs: 1_500 });
const BLOCK_BYTES = 64 * KIB;
/** As near to the frame limit as a payload with its headers fits. */
const LARGE_BYTES = 1024 * KIB - 512;
const STREAM_CHUNKS = 4;
/** A refused caller asks again at the pace of a polite one, not as fast as it can. */
const REFUSED_PAUSE_MS = 25;

/** Where a server says what it did, at the moment it has done it. */
export interface LedgerReport {
  ran(id: string): void;
  handled(group: string, id: string): void;
}

const idOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, 12).toString('latin1');

function bytesOf(id: string, size: number): Buffer {
  const bytes = Buffer.alloc(size, Number(id) & 0xff);
  bytes.write(id, 'latin1');
  return bytes;
}

async function* chunksOf(id: string): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < STREAM_CHUNKS; sent += 1) yield bytesOf(id, BLOCK_BYTES);
}

/** Reads a stream to its end; false when a chunk is not one of this id or one is missing. */
async function isWhole(id: string, chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
  const expected = bytesOf(id, BLOCK_BYTES);
  let seen = 0;
  let same = true;
  for await (const chunk of chunks) {
    seen += 1;
    same &&= expected.equals(chunk);
  }
  return same && seen === STREAM_CHUNKS;
}

/** Serves what the ledger asks. A handler reports before it answers, and an upload when it has all of its bytes. */
export async function serveLedger(bus: Bus, report: LedgerReport): Promise<void> {
  const small = (payload: unknown): unknown => {
    const { id } = payload as { id: string };
    report.ran(id);
    return { id };
  };
  const big = (payload: unknown): unknown => {
    report.ran(idOf(payload as Uint8Array));
    return payload;
  };
  bus.serve('ledger.query', small);
  bus.serve('ledger.command', small);
  bus.serve('ledger.relay', (payload, ctx) => ctx.forward(subject('ledger.query'), payload));
  bus.serve('ledger.block', big);
  bus.serve('ledger.large', big);
  bus.serve('ledger.read', (payload, ctx) => {
    const { id } = small(payload) as { id: string };
    return ctx.stream({ id }, chunksOf(id));
  });
  bus.serve('ledger.ticket', (payload, ctx) => {
    const { id } = small(payload) as { id: string };
    return { id, ticket: ctx.ticket() };
  });
  bus.serve('ledger.upload', async (payload, ctx) => {
    const { id } = payload as { id: string };
    if (!(await isWhole(id, ctx.body))) throw Object.assign(new Error('a wrong body'), { code: 'bad_request' });
    return small(payload);
  });
  for (const group of LEDGER_GROUPS) {
    await bus.onWork(WORK.name, group, (event) => report.handled(group, (event as { id: string }).id));
  }
}

export interface LedgerLoadOptions {
  /** What a call may take, in ms. */
  readonly ttlMs?: number;
  /** Workers of each kind and caller; the big ones have half, at least one. */
  readonly workers?: number;
}

/** Continuous load of every kind from several callers, each request entered in the book. */
export class LedgerLoad {
  readonly #callers: readonly Bus[];
  readonly #book: LedgerBook;
  readonly #ttlMs: number;
  readonly #perKind: number;
  #workers: Promise<void>[] = [];
  #stopped = false;

  constructor(callers: readonly Bus[], book: LedgerBook, { ttlMs = 10_000, workers = 2 }: LedgerLoadOptions = {}) {
    this.#callers = callers;
    this.#book = book;
    this.#ttlMs = ttlMs;
    this.#perKind = workers;
  }

  /** Follows the hints on every caller, then asks until it is stopped. */
  async start(): Promise<void> {
    for (const bus of this.#callers) {
      const account = { handled: 0, lost: 0 };
      this.#book.hintReaders.push(account);
      await bus.onHint(
        HINTS.name,
        () => void (account.handled += 1),
        (lost) => void (account.lost += lost),
      );
    }
    const few = Math.max(1, Math.floor(this.#perKind / 2));
    for (const bus of this.#callers) {
      const steps: [number, () => Promise<boolean>][] = [
        [this.#perKind, () => this.#small(bus, 'query', true)],
        [this.#perKind, () => this.#small(bus, 'command', false)],
        [this.#perKind, () => this.#small(bus, 'relay', true)],
        [this.#perKind, () => this.#publish(bus)],
        [this.#perKind, () => this.#hint(bus)],
        [few, () => this.#big(bus, 'block', BLOCK_BYTES)],
        [few, () => this.#big(bus, 'large', LARGE_BYTES)],
        [few, () => this.#read(bus)],
        [few, () => this.#upload(bus)],
      ];
      for (const [count, step] of steps) {
        for (let i = 0; i < count; i += 1) this.#workers.push(this.#run(step));
      }
    }
  }

  /** Waits until that many more calls were answered. */
  async progress(more: number, withinMs = 20_000): Promise<void> {
    const goal = this.#book.answered + more;
    await eventually(() => this.#book.answered >= goal, `${more} more answers (${this.#book.summary})`, withinMs);
  }

  /** Asks no more and waits until everything asked has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#workers);
  }

  async #run(step: () => Promise<boolean>): Promise<void> {
    while (!this.#stopped) {
      const went = await step();
      await new Promise((resolve) => (went ? setImmediate(resolve) : setTimeout(resolve, REFUSED_PAUSE_MS)));
    }
  }

  async #small(bus: Bus, kind: LedgerKind, idempotent: boolean): Promise<boolean> {
    const id = this.#book.enter(kind);
    return this.#ending(id, async () => {
      const target = subject(`ledger.${kind}`, { idempotent });
      const reply = (await bus.call(target, { id }, this.#context(id))) as { id: string };
      return reply.id === id;
    });
  }

  async #big(bus: Bus, kind: LedgerKind, size: number): Promise<boolean> {
    const id = this.#book.enter(kind);
    return this.#ending(id, async () => {
      const sent = bytesOf(id, size);
      const target = subject(`ledger.${kind}`, { idempotent: true });
      return sent.equals((await bus.call(target, sent, this.#context(id))) as Uint8Array);
    });
  }

  async #read(bus: Bus): Promise<boolean> {
    const id = this.#book.enter('read');
    let head: { id: string };
    let body: AsyncIterable<Uint8Array>;
    try {
      const reply = await bus.read(subject('ledger.read', { idempotent: true }), { id }, this.#context(id));
      head = reply.head as { id: string };
      body = reply.body;
    } catch (error) {
      this.#book.fail(id, error);
      return false;
    }
    try {
      const whole = await isWhole(id, body);
      this.#book.answer(id, whole && head.id === id);
      return true;
    } catch (error) {
      this.#book.breakOff(id, error);
      return false;
    }
  }

  async #upload(bus: Bus): Promise<boolean> {
    const opening = this.#book.enter('ticket');
    let ticket: StreamTicket | undefined;
    const opened = await this.#ending(opening, async () => {
      const target = subject('ledger.ticket', { idempotent: true });
      const reply = (await bus.call(target, { id: opening }, this.#context(opening))) as {
        id: string;
        ticket: StreamTicket;
      };
      ticket = reply.ticket;
      return reply.id === opening;
    });
    if (!opened || ticket === undefined) return false;
    const holder = ticket;
    const id = this.#book.enter('upload');
    return this.#ending(id, async () => {
      const reply = await bus.write(holder, subject('ledger.upload'), { id }, chunksOf(id), this.#context(id));
      return (reply as { id: string }).id === id;
    });
  }

  async #publish(bus: Bus): Promise<boolean> {
    const id = this.#book.enterWork();
    try {
      await bus.publishWork(WORK, { id }, this.#context(id));
      this.#book.admitWork(id);
      return true;
    } catch (error) {
      this.#book.refuseWork(id, error);
      return false;
    }
  }

  async #hint(bus: Bus): Promise<boolean> {
    try {
      await bus.publishHint(HINTS, { at: performance.now() }, context());
      this.#book.hintsAdmitted += 1;
      return true;
    } catch (error) {
      if (!(error instanceof BusError) || error.code === 'outcome_unknown') this.#book.hintsUnknown += 1;
      return false;
    }
  }

  async #ending(id: string, ask: () => Promise<boolean>): Promise<boolean> {
    try {
      this.#book.answer(id, await ask());
      return true;
    } catch (error) {
      this.#book.fail(id, error);
      return false;
    }
  }

  #context(id: string) {
    return context({ corrId: id, ttlMs: this.#ttlMs });
  }
}
