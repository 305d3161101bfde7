import { Holders, type Occupancy } from '@macronode/metrics';
import type { BusContext, StreamReply } from './bus-context.ts';
import type { BusCore } from './core.ts';
import { endedByPeer, handlerError, isDomainError } from './error-body.ts';
import { BusCanceled, BusPayloadTooLarge } from './errors.ts';
import { frameFault } from './wire/codec.ts';
import { type Frame, frame, KIND } from './wire/frame.ts';
import type { Handling } from './hooks.ts';
import { IncomingStream } from './incoming-stream.ts';
import { OutgoingStream } from './outgoing-stream.ts';

interface PeerCall {
  context: BusContext | undefined;
  incoming: IncomingStream<Uint8Array> | undefined;
  outgoing: OutgoingStream | undefined;
}

const keyOf = (caller: string, call: number): string => `${caller}#${call}`;

/** Streams of calls that others made to this instance: bodies of their writes, answers to their reads. */
export class PeerCalls {
  readonly #core: BusCore;
  readonly #calls = new Map<string, PeerCall>();
  readonly #outgoing = new Holders();

  constructor(core: BusCore) {
    this.#core = core;
    core.metrics.streamsOpen.collect(() => this.#outgoing.size, { direction: 'out' });
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Answers that stream. */
  occupancy(): Occupancy {
    const [held, bound] = [this.#outgoing.size, this.#core.limits.outgoingStreams];
    return { kind: 'semaphore', name: 'outgoing streams', held, bound, oldestMs: this.#outgoing.oldestMs() };
  }

  /** Opens the body of a write, or answers undefined when the process has no window left for it. */
  openBody(caller: string, call: number): IncomingStream<Uint8Array> | undefined {
    const { budget, limits, clock, wheel, outbox } = this.#core;
    const key = keyOf(caller, call);
    if (this.#calls.has(key) || !budget.reserve(limits.streamCreditInitial)) return undefined;
    const incoming = new IncomingStream<Uint8Array>({
      clock,
      wheel,
      budget,
      window: limits.streamCreditInitial,
      windowMax: limits.streamCreditMax,
      idleMs: limits.streamIdleMs,
      read: (_codec, body) => body,
      grant: (credit) => {
        outbox.toInbox(caller, frame(KIND.CREDIT, { call, credit }), Infinity, (error, delivered) => {
          if (error !== undefined || delivered === false) this.#gone(key, error);
        });
      },
      cancelPeer: () => outbox.tell(caller, frame(KIND.CANCEL, { call })),
      onClosed: () => undefined,
    });
    this.#calls.set(key, { context: undefined, incoming, outgoing: undefined });
    return incoming;
  }

  /** The handler of a write started: what ends the stream from outside aborts it too. */
  attach(context: BusContext): void {
    const peer = this.#calls.get(keyOf(context.caller, context.callNumber));
    if (peer !== undefined) peer.context = context;
  }

  /** The handler of a write answered. */
  closeBody(caller: string, call: number): void {
    const key = keyOf(caller, call);
    const incoming = this.#calls.get(key)?.incoming;
    // Most have been read to their end, and an error with its stack is dear.
    if (incoming?.isOpen === true) incoming.abort(new BusCanceled('the request was answered'));
    this.#calls.delete(key);
  }

  /** True when one more answer may stream. */
  hasRoom(): boolean {
    return this.#outgoing.size < this.#core.limits.outgoingStreams;
  }

  /** Streams an answer behind its REP frame. Resolves when the medium has the REP, or has refused it. */
  stream(context: BusContext, reply: StreamReply, head: Frame, handling?: Handling): Promise<void> {
    const { clock, wheel, limits, outbox } = this.#core;
    const { caller, callNumber: call } = context;
    const key = keyOf(caller, call);
    const outgoing = new OutgoingStream({
      clock,
      wheel,
      credit: context.callerCredit ?? 0,
      idleMs: limits.streamIdleMs,
      items: reply.items,
      send: (seq, codec, body) => {
        const data = frame(KIND.DATA, { call, seq, codec, body });
        const fault = frameFault(data);
        if (fault !== undefined) throw new BusPayloadTooLarge(fault.message);
        outbox.toInbox(caller, data, Infinity, (error, delivered) => {
          if (error !== undefined || delivered === false) this.#gone(key, error);
        });
      },
    });
    this.#calls.set(key, { context, incoming: undefined, outgoing });
    const sent = new Promise<void>((resolve) => {
      outbox.toInbox(caller, head, Infinity, (error, delivered) => {
        if (error !== undefined || delivered === false) this.#gone(key, error);
        resolve();
      });
    });
    void this.#pump(context, outgoing, reply.source, key, handling);
    return sent;
  }

  /** DATA, END, CREDIT or CANCEL of a call that was made to this instance. */
  onFrame(caller: string, call: number, received: Frame): void {
    const key = keyOf(caller, call);
    const peer = this.#calls.get(key);
    if (peer === undefined) return;
    switch (received.kind) {
      case KIND.DATA:
        peer.incoming?.push(received);
        break;
      case KIND.END:
        peer.incoming?.end(received.seq);
        break;
      case KIND.CREDIT:
        peer.outgoing?.addCredit(received.credit ?? 0);
        break;
      case KIND.CANCEL:
        this.#abort(peer, new BusCanceled('the caller canceled'));
        break;
      default:
        this.#core.metrics.malformed.inc();
    }
  }

  abortAll(error: unknown): void {
    for (const peer of [...this.#calls.values()]) this.#abort(peer, error);
    this.#calls.clear();
  }

  #gone(key: string, error: unknown): void {
    const peer = this.#calls.get(key);
    if (peer === undefined) return;
    if (error === undefined) this.#core.metrics.orphaned.inc();
    this.#abort(peer, new BusCanceled('the caller is gone', { cause: error }));
  }

  #abort(peer: PeerCall, error: unknown): void {
    peer.context?.abort(error);
    peer.incoming?.abort(error);
    peer.outgoing?.cancel(error);
  }

  async #pump(
    context: BusContext,
    outgoing: OutgoingStream,
    source: AsyncIterable<unknown>,
    key: string,
    handling: Handling | undefined,
  ): Promise<void> {
    const { caller, callNumber: call } = context;
    const { outbox } = this.#core;
    const holder = this.#outgoing.enter();
    try {
      await outgoing.run(source);
      handling?.end();
      outbox.tell(caller, frame(KIND.END, { call, seq: outgoing.frames }));
    } catch (error) {
      handling?.end(error);
      context.abort(error);
      if (!endedByPeer(error)) {
        if (!isDomainError(error)) this.#core.onHandlerError(error, context);
        outbox.tell(caller, handlerError(call, error));
      }
    } finally {
      this.#outgoing.leave(holder);
      this.#calls.delete(key);
      context.release();
    }
  }
}

/** Closes a source that will not be streamed. */
export function discard(reply: StreamReply): void {
  try {
    void Promise.resolve(reply.source[Symbol.asyncIterator]().return?.()).catch(() => undefined);
  } catch {
    // A source that cannot even begin holds nothing to close.
  }
}
