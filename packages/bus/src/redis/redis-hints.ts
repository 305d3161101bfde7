import { BusUnavailable } from '../errors.ts';
import type { HintFollower } from '../link.ts';
import type { RedisConnection } from './redis-connection.ts';
import { backoffMs, loopFault } from './redis-failures.ts';
import type { RedisLinkEvent, RedisLinkTimings } from './redis-options.ts';
import { asArray, asNumber, asText, hintEntry, streamsOf } from './redis-replies.ts';
import { HINT_END } from './redis-scripts.ts';
import { pause } from './pause.ts';
import type { CountedStream } from './stream-keys.ts';

export type HintListener = (sequence: number, entry: Uint8Array) => void;

const READ_ENTRIES = 64;
/** Of so many empty reads the first is followed by a look whether the topics still live: at most 30 s apart. */
const EMPTY_READS_PER_CHECK = 3;

interface Topic {
  readonly keys: CountedStream;
  readonly listeners: Set<{ readonly listener: HintListener; readonly after: number }>;
  lastId: string;
  /** Life of the counter the numbers come from; empty while nothing was ever published. */
  epoch: string;
  /** Last number in that life. */
  raw: number;
  /** Last number told to listeners: the same, as long as the counter lives. */
  told: number;
}

export interface HintReaderOptions {
  readonly writer: RedisConnection;
  readonly openReader: () => RedisConnection;
  readonly timings: RedisLinkTimings;
  readonly onEvent: (event: RedisLinkEvent) => void;
}

/** Reads all hint topics of a link over one connection, without a group and without acknowledgement. */
export class RedisHintReader {
  readonly #options: HintReaderOptions;
  readonly #topics = new Map<string, Topic>();
  readonly #stopping = new AbortController();
  #reader: RedisConnection | undefined;
  #loop: Promise<void> | undefined;
  #wakeUp: (() => void) | undefined;
  #livesUnknown = false;
  #emptyReads = 0;
  #lastTraffic = Date.now();

  constructor(options: HintReaderOptions) {
    this.#options = options;
  }

  /** Begins at the present end of the topic. Waits for Redis while it is away. */
  async follow(keys: CountedStream, listener: HintListener): Promise<HintFollower> {
    const reader = (this.#reader ??= this.#options.openReader());
    await reader.whenReady(this.#stopping.signal);
    const topic = this.#topics.get(keys.stream) ?? (await this.#open(keys));
    const follower = { listener, after: topic.told };
    topic.listeners.add(follower);
    this.#loop ??= this.#run(reader);
    this.#wake();
    return {
      after: follower.after,
      stop: () => {
        topic.listeners.delete(follower);
        if (topic.listeners.size === 0 && this.#topics.get(keys.stream) === topic) this.#topics.delete(keys.stream);
        return Promise.resolve();
      },
    };
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#wakeUp?.();
    this.#reader?.close();
    await this.#loop;
  }

  async #open(keys: CountedStream): Promise<Topic> {
    const { writer } = this.#options;
    for (let failures = 1; ; failures++) {
      await writer.whenReady(this.#stopping.signal);
      if (writer.closed || this.#stopping.signal.aborted) throw new BusUnavailable('the link is closed');
      try {
        const end = await this.#end(keys);
        const known = this.#topics.get(keys.stream);
        if (known !== undefined) return known;
        const topic: Topic = { keys, listeners: new Set(), ...end, told: end.raw };
        this.#topics.set(keys.stream, topic);
        return topic;
      } catch {
        await pause(backoffMs(failures), this.#stopping.signal);
      }
    }
  }

  async #end(keys: CountedStream): Promise<{ raw: number; epoch: string; lastId: string }> {
    const reply = await this.#options.writer.run(HINT_END, [keys.stream, keys.counters], []);
    const [raw, epoch, lastId] = asArray(reply);
    return { raw: asNumber(raw), epoch: asText(epoch), lastId: asText(lastId) };
  }

  async #run(reader: RedisConnection): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await reader.whenReady(signal);
        if (this.#livesUnknown) await this.#checkLives();
        if (signal.aborted) break;
        if (this.#topics.size === 0) await this.#untilWoken();
        else await this.#read(reader);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        const message = error instanceof Error ? error.message : String(error);
        this.#options.onEvent({ type: 'loop_restarted', role: 'hints', fault: loopFault(error), message });
        this.#livesUnknown = true;
        if (reader.ready) await pause(backoffMs(failures), signal);
      }
    }
  }

  /** The ids of a new life may lie before our last one, as its clock may run behind: it is read from its beginning. */
  async #checkLives(): Promise<void> {
    const { writer } = this.#options;
    await writer.whenReady(this.#stopping.signal);
    for (const topic of this.#topics.values()) {
      const epoch = asText(await writer.command('hget', [topic.keys.counters, 'epoch']));
      if (epoch !== topic.epoch) topic.lastId = '0-0';
    }
    this.#livesUnknown = false;
  }

  async #read(reader: RedisConnection): Promise<void> {
    const { timings } = this.#options;
    const block = Date.now() - this.#lastTraffic > timings.idleAfter ? timings.idleBlock : timings.block;
    const topics = [...this.#topics.values()];
    const args = ['COUNT', READ_ENTRIES, 'BLOCK', block, 'STREAMS'];
    const reply = await reader.blockingRead(
      'xread',
      [...args, ...topics.map(({ keys }) => keys.stream), ...topics.map(({ lastId }) => lastId)],
      block,
    );
    // Nothing came; or it did, in a new life, before our last id.
    if (reply === null) this.#livesUnknown = this.#emptyReads++ % EMPTY_READS_PER_CHECK === 0;
    else this.#emptyReads = 0;
    for (const [stream, entries] of streamsOf(reply)) {
      const topic = this.#topics.get(stream);
      if (topic === undefined) continue;
      this.#lastTraffic = Date.now();
      for (const item of entries) this.#tell(topic, item);
    }
  }

  #tell(topic: Topic, item: unknown): void {
    const { id, epoch, sequence, entry } = hintEntry(item);
    topic.lastId = id;
    if (epoch === topic.epoch) {
      if (sequence <= topic.raw) return;
      topic.told += sequence - topic.raw;
    } else {
      // Another life of the counter: what it numbered before this one is lost, and of the former life at least one may be.
      topic.told += sequence + (topic.epoch === '' ? 0 : 1);
      topic.epoch = epoch;
    }
    topic.raw = sequence;
    for (const { listener, after } of topic.listeners) {
      if (topic.told <= after) continue;
      try {
        listener(topic.told, entry);
      } catch (error) {
        this.#options.onEvent({ type: 'listener_failed', role: 'hints', message: String(error) });
      }
    }
  }

  #wake(): void {
    this.#wakeUp?.();
    const id = this.#reader?.clientId ?? 0;
    // A read that blocks does not know of the new topic; it reads on at once.
    if (id !== 0) this.#options.writer.command('client', ['unblock', id]).catch(() => undefined);
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeUp = () => {
        this.#wakeUp = undefined;
        resolve();
      };
      if (this.#stopping.signal.aborted || this.#topics.size > 0) this.#wakeUp();
    });
  }
}
