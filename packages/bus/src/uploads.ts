import type { CallPlan, ClientCall, ClientCalls } from './client-calls.ts';
import type { BusCore } from './core.ts';
import { BusCanceled, BusOutcomeUnknown, BusUnavailable } from './errors.ts';
import { OutgoingStream } from './outgoing-stream.ts';
import type { StreamTicket } from './subject.ts';
import { type Frame, frame, KIND } from './wire/frame.ts';

/** How a call is made, and who is told how it ended. */
export interface Plan extends Pick<CallPlan, 'onReply' | 'resolve' | 'reject'> {
  /** Where the request goes when not to the stream of its service. */
  readonly inbox?: string;
  /** First window and kind of the stream the caller takes. */
  readonly credit?: number;
  readonly accepts?: number;
}

/** The bytes behind the requests of this instance: sent to the holder of a ticket under its credit. */
export class Uploads {
  readonly #core: BusCore;
  readonly #calls: ClientCalls;
  readonly #onReply: (reply: Frame) => unknown;
  readonly #open = new Map<number, OutgoingStream>();

  constructor(core: BusCore, calls: ClientCalls, onReply: (reply: Frame) => unknown) {
    this.#core = core;
    this.#calls = calls;
    this.#onReply = onReply;
  }

  has(call: number): boolean {
    return this.#open.has(call);
  }

  addCredit(call: number, bytes: number): void {
    this.#open.get(call)?.addCredit(bytes);
  }

  /** The receiver wants no more. */
  stop(call: number): void {
    this.#open.get(call)?.cancel(new BusCanceled('the receiver wants no more'));
  }

  abortAll(error: unknown): void {
    for (const stream of [...this.#open.values()]) stream.cancel(error);
  }

  /**
   * Opens the call with `begin` and sends the bytes of `source` behind it. A refusal is told by `begin`; the source is
   * closed in any case.
   */
  start(
    ticket: StreamTicket,
    source: AsyncIterable<Uint8Array>,
    { resolve, reject }: Pick<Plan, 'resolve' | 'reject'>,
    begin: (plan: Plan) => ClientCall | undefined,
  ): void {
    const { clock, wheel, limits, outbox, instance } = this.#core;
    const { inbox } = ticket;
    let call: ClientCall | undefined = undefined;
    const outgoing = new OutgoingStream({
      clock,
      wheel,
      credit: ticket.credit,
      idleMs: limits.streamIdleMs,
      items: 'bytes',
      send: (seq, codec, body) => {
        const data = frame(KIND.DATA, { call: call?.number, replyTo: instance, seq, codec, body });
        outbox.toInbox(inbox, data, Infinity, (error, delivered) => {
          // Before its end a stream takes no effect.
          if (call === undefined || (error === undefined && delivered !== false)) return;
          // Once the end is sent too, bytes that may have arrived may have taken effect.
          const unknown = error instanceof BusOutcomeUnknown && !this.#open.has(call.number);
          this.#calls.fail(call, unknown ? error : gone(error));
        });
      },
    });
    call = begin({
      inbox,
      onReply: (reply) => {
        // Most answers come when every byte was sent, and an error with its stack is dear.
        if (call !== undefined && this.#open.has(call.number)) outgoing.cancel(new BusCanceled('answered'));
        return this.#onReply(reply);
      },
      resolve,
      reject: (error) => {
        if (call !== undefined) {
          outgoing.cancel(error);
          this.#core.outbox.tell(inbox, frame(KIND.CANCEL, { call: call.number, replyTo: instance }));
        }
        reject(error);
      },
    });
    if (call === undefined) {
      void closeSource(source).catch(() => undefined);
      return;
    }
    this.#open.set(call.number, outgoing);
    void this.#pump(call, outgoing, inbox, source);
  }

  async #pump(
    call: ClientCall,
    outgoing: OutgoingStream,
    inbox: string,
    source: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const { instance } = this.#core;
    try {
      await outgoing.run(source);
      // It may have failed in the turn its source ended: then nothing may take effect any more.
      if (this.#calls.get(call.number) !== call) return;
      this.#core.outbox.tell(inbox, frame(KIND.END, { call: call.number, replyTo: instance, seq: outgoing.frames }));
      this.#watchPeer(call, inbox);
    } catch (error) {
      // The receiver has had enough and answers; anything else is the end of the call.
      if (error instanceof BusCanceled) this.#boundAnswer(call);
      else this.#calls.fail(call, error);
    } finally {
      this.#open.delete(call.number);
    }
  }

  /** A receiver that ended the stream owes an answer: not for as long as the whole stream could have taken. */
  #boundAnswer(call: ClientCall): void {
    const { clock, wheel, limits } = this.#core;
    const onDue = (): void => {
      if (this.#calls.get(call.number) === call) this.#calls.fail(call, new BusOutcomeUnknown());
    };
    wheel.runAt(clock.now() + limits.streamIdleMs, onDue);
  }

  /** All bytes are sent: until the answer comes, only a look at the inbox tells whether its owner still lives. */
  #watchPeer(call: ClientCall, inbox: string): void {
    const { clock, wheel, limits, instance } = this.#core;
    const onDue = (): void => {
      if (this.#calls.get(call.number) !== call) return;
      const probe = frame(KIND.CREDIT, { call: call.number, replyTo: instance, credit: 0 });
      this.#core.outbox.toInbox(inbox, probe, Infinity, (_error, delivered) => {
        // Whether the last byte took effect before its reader was gone, nobody can say.
        if (delivered === false) this.#calls.fail(call, new BusOutcomeUnknown());
      });
      this.#watchPeer(call, inbox);
    };
    wheel.runAt(clock.now() + limits.streamIdleMs / 3, onDue);
  }
}

/** What a peer that left means for what was on its way to it. */
export const gone = (cause: unknown): BusUnavailable => new BusUnavailable('the other side is gone', { cause });

async function closeSource(source: AsyncIterable<Uint8Array>): Promise<void> {
  await source[Symbol.asyncIterator]().return?.();
}
