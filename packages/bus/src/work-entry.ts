import type { BusLimits } from './bus-limits.ts';
import type { Clock } from './clock.ts';
import type { HandlerSlots } from './handler-slots.ts';
import type { Consumer, DeadLetterReason, Delivery } from './link.ts';
import { decodeEntry, encodeEntry } from './wire/codec.ts';
import { FrameError } from './errors.ts';
import { type Frame, KIND } from './wire/frame.ts';
import { workVerdict } from './work-backoff.ts';
import { WorkProgress } from './work-progress.ts';

/** What the entries of one consumer have in common. */
export interface WorkHost {
  readonly topic: string;
  readonly limits: BusLimits;
  readonly clock: Clock;
  readonly slots: HandlerSlots;
  readonly consumer: Consumer;
  /** Runs the handler; answers what it threw, or `WORK_DONE`. */
  readonly run: (event: Frame, attempt: number) => Promise<unknown>;
  readonly onRetry: () => void;
  readonly onDeadLetter: (reason: DeadLetterReason) => void;
  readonly onMalformed: () => void;
  /** The entry needs this process no more. */
  readonly onEnd: (id: string) => void;
}

/** What `run` answers when the handler did not throw. */
export const WORK_DONE = Symbol('done');

/** Before a write to the medium that failed is tried again, in ms. */
const WRITE_AGAIN_MS = 1_000;

/**
 * One entry of work in this process, from its delivery to its end. An event that fails runs again after a backoff,
 * alone; meanwhile it holds no slot, and the entry stays pending under this consumer's name. What was delivered before
 * may have killed a process: its events run one at a time, each noted before it runs, so that the one to blame is known.
 */
export class WorkEntry {
  readonly #host: WorkHost;
  readonly #careful: boolean;
  readonly #progress: WorkProgress;
  readonly #due: number[] = [];
  readonly #timers = new Map<number, () => void>();
  #delivery: Delivery;
  #frames: readonly Frame[];
  #running = 0;
  #kept = false;
  #phase: 'running' | 'draining' | 'ended' = 'running';
  #writes: Promise<unknown> = Promise.resolve();

  constructor(host: WorkHost, delivery: Delivery, frames: readonly Frame[]) {
    this.#host = host;
    this.#delivery = delivery;
    this.#frames = frames;
    this.#careful = delivery.attempt > 1;
    this.#progress = WorkProgress.read(delivery.note, frames.length, delivery.attempt);
  }

  start(): void {
    for (let event = 0; event < this.#frames.length; event += 1) {
      if (!this.#progress.isDone(event)) this.#due.push(event);
    }
    this.#proceed();
  }

  /** Gives back what does not run now, and the rest when it has run. */
  drain(): void {
    if (this.#phase !== 'running') return;
    this.#phase = 'draining';
    this.#cancelTimers();
    this.#proceed();
  }

  /** Lets go at once: nothing is settled, whoever comes next goes on with what was noted. */
  abandon(): void {
    this.#phase = 'ended';
    this.#cancelTimers();
  }

  #proceed(): void {
    if (this.#phase === 'ended') return;
    const { consumer, slots } = this.#host;
    if (this.#progress.left === 0) {
      this.#end();
      consumer.settle(this.#delivery);
    } else if (this.#phase === 'draining') {
      if (this.#running > 0) return;
      this.#end();
      consumer.release(this.#delivery, this.#progress.begun ? this.#progress.write() : undefined);
    } else {
      while (this.#due.length > 0 && (!this.#careful || this.#running === 0)) {
        const event = this.#due.shift();
        if (event === undefined) return;
        this.#running += 1;
        slots.submit(() => this.#attempt(event));
      }
    }
  }

  async #attempt(event: number): Promise<void> {
    const frame = this.#frames[event];
    // It waited for its slot, and the entry was given up meanwhile.
    if (frame !== undefined && this.#phase === 'running') {
      const wrong = this.#unfit(frame, event);
      if (wrong === undefined) await this.#run(event, frame);
      else await this.#bury(event, wrong);
    }
    this.#running -= 1;
    this.#proceed();
  }

  /** Why an event cannot run. */
  #unfit(frame: Frame, event: number): DeadLetterReason | undefined {
    if (frame.kind !== KIND.EVT) {
      this.#host.onMalformed();
      return 'malformed';
    }
    if (frame.route !== this.#host.topic) return 'no_handler';
    return this.#progress.runs(event) >= this.#host.limits.workAttempts ? 'max_deliveries' : undefined;
  }

  async #run(event: number, frame: Frame): Promise<void> {
    const { limits, onRetry } = this.#host;
    this.#progress.begin(event);
    if (this.#careful && !(await this.#noted())) {
      this.#progress.unbegin(event);
      return this.#wait(event, WRITE_AGAIN_MS);
    }
    const runs = this.#progress.runs(event);
    if (runs > 1) onRetry();
    const error = await this.#host.run(frame, runs);
    if (error === WORK_DONE) return this.#progress.finish(event);
    // Whoever closed the bus does not wait: the run is not over for the medium.
    if (this.#phase === 'ended') return;
    const verdict = workVerdict(error, runs, limits);
    if (verdict.reason !== undefined) return this.#bury(event, verdict.reason);
    this.#wait(event, verdict.retryInMs);
    if (this.#phase === 'running') void this.#noted();
  }

  /** Runs an event again later; a drain gives it back instead. */
  #wait(event: number, ms: number): void {
    if (this.#phase !== 'running') return;
    this.#keep();
    const cancel = this.#host.clock.after(ms, () => {
      this.#timers.delete(event);
      this.#due.push(event);
      this.#proceed();
    });
    this.#timers.set(event, cancel);
  }

  /** Puts one event aside. The others of its entry go on; one that is alone takes its entry with it. */
  async #bury(event: number, reason: DeadLetterReason): Promise<void> {
    const frame = this.#frames[event];
    if (frame === undefined) return;
    const { consumer, onDeadLetter } = this.#host;
    const { corrId, traceparent } = frame;
    const attempts = this.#progress.runs(event);
    const alone = this.#frames.length === 1;
    try {
      await this.#write(() => {
        const part = alone ? undefined : { entry: encodeEntry([frame]), note: this.#progress.write(event) };
        return consumer.deadLetter(this.#delivery, reason, { attempts, corrId, traceparent, part });
      });
    } catch {
      // The medium is away. It is tried again as if the handler had failed just now, without running it.
      return this.#buryLater(event, reason);
    }
    onDeadLetter(reason);
    if (alone) this.#end();
    else this.#progress.finish(event);
  }

  #buryLater(event: number, reason: DeadLetterReason): void {
    if (this.#phase !== 'running') return;
    this.#keep();
    const cancel = this.#host.clock.after(WRITE_AGAIN_MS, () => {
      this.#timers.delete(event);
      this.#running += 1;
      void this.#bury(event, reason).then(() => {
        this.#running -= 1;
        this.#proceed();
      });
    });
    this.#timers.set(event, cancel);
  }

  /** Writes the progress beside the entry. False when it could not be; the entry ends here when it is another's by now. */
  async #noted(): Promise<boolean> {
    const { consumer } = this.#host;
    try {
      if (await this.#write(() => consumer.note(this.#delivery, this.#progress.write()))) return true;
      this.#end();
      return false;
    } catch {
      return false;
    }
  }

  /** One write at a time, so that an older note never lands behind a newer one. */
  #write<T>(write: () => Promise<T>): Promise<T> {
    const written = this.#writes.then(write);
    this.#writes = written.catch(() => undefined);
    return written;
  }

  /** What waits is copied: a view of a few bytes would hold the whole piece of memory it was read in. */
  #keep(): void {
    if (this.#kept) return;
    this.#kept = true;
    const entry = Buffer.from(this.#delivery.entry);
    const frames = decodeEntry(entry);
    if (frames instanceof FrameError) return;
    this.#delivery = { ...this.#delivery, entry };
    this.#frames = frames;
  }

  #end(): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#cancelTimers();
    this.#host.onEnd(this.#delivery.id);
  }

  #cancelTimers(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
