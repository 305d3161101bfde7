import type { Occupancy } from '@macronode/metrics';
import type { BusContext, HandlerPort } from './bus-context.ts';
import { LINK_BOUNDS } from './bus-limits.ts';
import { decodeEntry } from './wire/codec.ts';
import type { BusCore } from './core.ts';
import { FrameError } from './errors.ts';
import { type Frame, frame, KIND } from './wire/frame.ts';
import { eventContext } from './event-context.ts';
import type { HintFollower } from './link.ts';
import { decodePayload } from './wire/payload.ts';

/** Handles a hint. It is called for one hint at a time; what it throws is reported and otherwise ignored. */
export type HintHandler = (event: unknown, context: BusContext) => unknown;

/**
 * Told how many hints were lost, before the one that follows them, which waits until it is done: it reads the snapshot
 * again. What it throws is reported and otherwise ignored.
 */
export type LagListener = (lost: number) => unknown;

interface Arrived {
  readonly frames: readonly Frame[];
  readonly bytes: number;
  readonly arrivedAt: number;
  /** Hints lost before this one. */
  lost: number;
}

/**
 * Follows one hint topic. Numbers that are missing were lost: they are counted, and the reader is told before the next
 * hint, so that it reads its snapshot again. A reader that is too slow loses the oldest of its own queue the same way.
 */
export class HintReader {
  readonly #core: BusCore;
  readonly #port: HandlerPort;
  readonly #topic: string;
  readonly #handler: HintHandler;
  readonly #onLag: LagListener;
  readonly #queue: Arrived[] = [];
  #bytes = 0;
  #last = 0;
  #busy = false;
  #stopped = false;
  #follower: HintFollower | undefined;
  /** Arrived before the link said where the follower began. */
  #early: { sequence: number; entry: Uint8Array }[] | undefined = [];

  constructor(core: BusCore, port: HandlerPort, topic: string, handler: HintHandler, onLag: LagListener) {
    this.#core = core;
    this.#port = port;
    this.#topic = topic;
    this.#handler = handler;
    this.#onLag = onLag;
  }

  async start(): Promise<void> {
    const follower = await this.#core.link.followHints(this.#topic, (sequence, entry) => {
      if (this.#early === undefined) this.#onEntry(sequence, entry);
      else this.#early.push({ sequence, entry });
    });
    this.#follower = follower;
    this.#last = follower.after;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const { sequence, entry } of early) this.#onEntry(sequence, entry);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#follower?.stop();
  }

  /** Hints that wait for the one that is handled. */
  occupancy(): Occupancy {
    const [oldest] = this.#queue;
    const oldestMs = oldest === undefined ? undefined : this.#core.clock.now() - oldest.arrivedAt;
    const [name, held, bound] = [`hints ${this.#topic}`, this.#queue.length, LINK_BOUNDS.hintEntries];
    return { kind: 'queue', name, held, bound, oldestMs };
  }

  #onEntry(sequence: number, entry: Uint8Array): void {
    if (this.#stopped) return;
    // A number that is not above the last one: the medium lost its count, and with it an unknown number of hints.
    const lost = sequence > this.#last ? sequence - this.#last - 1 : 1;
    this.#last = sequence;
    this.#core.metrics.received.inc({ kind: 'hint' });
    const frames = decodeEntry(entry);
    if (frames instanceof FrameError) this.#core.metrics.malformed.inc();
    else this.#core.hooks?.receive({ kind: 'hint', name: this.#topic, lane: 'none', frames, ageMs: 0, attempt: 1 });
    const arrivedAt = this.#core.clock.now();
    this.#queue.push({ frames: frames instanceof FrameError ? [] : frames, bytes: entry.length, arrivedAt, lost });
    this.#bytes += entry.length;
    if (lost > 0) this.#core.metrics.lagged.inc(lost);
    while (this.#queue.length > LINK_BOUNDS.hintEntries || this.#bytes > LINK_BOUNDS.hintBytes) this.#dropOldest();
    void this.#work();
  }

  #dropOldest(): void {
    const oldest = this.#queue.shift();
    if (oldest === undefined) return;
    this.#bytes -= oldest.bytes;
    this.#core.metrics.lagged.inc();
    const [next] = this.#queue;
    if (next !== undefined) next.lost += oldest.lost + 1;
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined && !this.#stopped; next = this.#queue.shift()) {
      this.#bytes -= next.bytes;
      if (next.lost > 0) await this.#reportLag(next.lost);
      for (const each of next.frames) if (!this.#stopped) await this.#run(each);
    }
    this.#busy = false;
  }

  async #run(event: Frame): Promise<void> {
    const payload = decodePayload(event.codec, event.body);
    if (payload instanceof FrameError) return this.#core.metrics.malformed.inc();
    const context = eventContext(event, this.#topic, 1, this.#port);
    const { hooks, service } = this.#core;
    const handling = hooks?.handle(context, event, { kind: 'hint', service, queueMs: 0 });
    const holder = this.#core.running.enter(`hint ${this.#topic}`);
    try {
      const handle = (): unknown => this.#handler(payload, context);
      await (handling === undefined ? handle() : handling.run(handle));
      handling?.end();
    } catch (error) {
      handling?.end(error);
      this.#core.onHandlerError(error, context);
    } finally {
      this.#core.running.leave(holder);
    }
  }

  async #reportLag(lost: number): Promise<void> {
    try {
      await this.#onLag(lost);
    } catch (error) {
      // Nobody sent this one: the context names the topic, and nothing else.
      this.#core.onHandlerError(error, eventContext(frame(KIND.EVT, {}), this.#topic, 1, this.#port));
    }
  }
}
