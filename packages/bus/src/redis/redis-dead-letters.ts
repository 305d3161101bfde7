import { orderedLane, partitionOf } from '../order.ts';
import {
  DEAD_LETTER_LIMITS,
  type DeadLetter,
  type DeadLetterHead,
  type DeadLetterPage,
  type DeadLetterReason,
  type DeadLetters,
  type LetterDetails,
  pageLimit,
} from '../dead-letters.ts';
import { BusOverflow } from '../errors.ts';
import type { Delivery, Lane } from '../link.ts';
import type { RedisArg } from './redis-command.ts';
import type { RedisConnection } from './redis-connection.ts';
import { retryAfterFull, writeFailure } from './redis-failures.ts';
import { DROP_LETTERS, LIST_LETTERS, REPLAY_LETTER } from './redis-letter-scripts.ts';
import type { RedisLinkBounds } from './redis-options.ts';
import type { ConsumerPlace } from './redis-place.ts';
import { asArray, asBytes, asNumber, asText, idMs } from './redis-replies.ts';
import type { RedisScript } from './redis-script.ts';
import type { CountedStream, StreamKeys } from './stream-keys.ts';

/** What XRANGE takes as an id. */
const ID = /^\d{1,20}-\d{1,20}$/;

/** Dead letters of one service as a Redis stream. */
export class RedisDeadLetters implements DeadLetters {
  readonly #service: string;
  readonly #keys: StreamKeys;
  readonly #own: CountedStream;
  readonly #bounds: RedisLinkBounds;
  readonly #writer: RedisConnection;

  constructor(options: {
    readonly service: string;
    readonly keys: StreamKeys;
    readonly bounds: RedisLinkBounds;
    readonly writer: RedisConnection;
  }) {
    this.#service = options.service;
    this.#keys = options.keys;
    this.#own = options.keys.deadLetters(options.service);
    this.#bounds = options.bounds;
    this.#writer = options.writer;
  }

  async list(
    options: { readonly after?: string | undefined; readonly limit?: number | undefined } = {},
  ): Promise<DeadLetterPage> {
    const { after, limit } = options;
    const from = after !== undefined && ID.test(after) ? `(${after}` : '-';
    const bounds = [pageLimit(limit), DEAD_LETTER_LIMITS.passedBytes];
    const [ended, ...rows] = asArray(await this.#run(LIST_LETTERS, [this.#own.stream], [from, ...bounds]));
    const letters = rows.map((row) => this.#head(row));
    return { letters, next: ended === 1 ? undefined : letters.at(-1)?.id };
  }

  async show(id: string): Promise<DeadLetter | undefined> {
    const row = await this.#row(id);
    return row === undefined
      ? undefined
      : { ...this.#head(row), entry: Uint8Array.from(asBytes(fieldsOf(row).get('f'))) };
  }

  async replay(id: string): Promise<boolean> {
    const row = await this.#row(id);
    if (row === undefined) return false;
    const { kind, name, lane } = this.#head(row);
    const ordered = partitionOf(lane) >= 0 ? orderedLane(partitionOf(lane)) : undefined;
    const target =
      kind === 'work'
        ? this.#keys.work(name, this.#service, ordered)
        : this.#keys.request(name, ordered ?? (lane === 'bulk' ? 'bulk' : 'fast'));
    const { streamFrames, streamBytes } = this.#bounds;
    const reply = await this.#run(
      REPLAY_LETTER,
      [this.#own.stream, this.#own.counters, target.stream, target.counters],
      [id, streamFrames, streamBytes, kind === 'work' ? this.#service : ''],
    );
    const [outcome, held, rate] = asArray(reply);
    if (outcome === 0) {
      const message = `the stream of ${name} is full: the dead letter stays`;
      throw new BusOverflow('stream', retryAfterFull(asNumber(held), asNumber(rate)), message);
    }
    return outcome === 1;
  }

  async drop(id: string): Promise<boolean> {
    return ID.test(id) && (await this.#drop(id, id, 1)) === 1;
  }

  dropUntil(at: number, limit?: number): Promise<number> {
    return this.#drop('-', String(Math.max(0, Math.floor(at))), pageLimit(limit));
  }

  async #drop(from: string, to: string, limit: number): Promise<number> {
    const { stream, counters } = this.#own;
    return asNumber(
      await this.#run(DROP_LETTERS, [stream, counters], [from, to, limit, DEAD_LETTER_LIMITS.passedBytes]),
    );
  }

  async #row(id: string): Promise<unknown> {
    if (!ID.test(id)) return undefined;
    try {
      return asArray(await this.#writer.command('xrange', [this.#own.stream, id, id]))[0];
    } catch (error) {
      throw writeFailure(error);
    }
  }

  async #run(script: RedisScript, keys: readonly string[], args: readonly RedisArg[]): Promise<unknown> {
    try {
      return await this.#writer.run(script, keys, args);
    } catch (error) {
      throw writeFailure(error);
    }
  }

  #head(row: unknown): DeadLetterHead {
    const id = asText(asArray(row)[0]);
    const fields = fieldsOf(row);
    const word = (name: string): string => asText(fields.get(name));
    return {
      id,
      service: this.#service,
      kind: word('kind') === 'work' ? 'work' : 'request',
      name: word('name'),
      // Written by our own script from closed lists.
      lane: word('lane') as Lane | 'none',
      reason: word('reason') as DeadLetterReason,
      attempts: asNumber(fields.get('attempt')),
      consumer: word('consumer'),
      corrId: word('corr'),
      traceparent: word('trace'),
      frames: Math.max(1, asNumber(fields.get('n'))),
      bytes: fields.has('bytes') ? asNumber(fields.get('bytes')) : asBytes(fields.get('f')).length,
      at: idMs(id),
    };
  }
}

function fieldsOf(row: unknown): Map<string, unknown> {
  const list = asArray(asArray(row)[1]);
  const fields = new Map<string, unknown>();
  for (let i = 0; i + 1 < list.length; i += 2) fields.set(asText(list[i]), list[i + 1]);
  return fields;
}

/** Arguments of DEAD_LETTER for one delivery, or a part of it. */
export function letterArguments(
  { group, instance, kind, name, lane }: ConsumerPlace,
  { deadLetterEntries, deadLetterBytes }: RedisLinkBounds,
  buried: {
    readonly delivery: Delivery;
    readonly frames: number;
    readonly reason: DeadLetterReason;
    readonly details: LetterDetails;
  },
): RedisArg[] {
  const { delivery, frames, reason, details } = buried;
  const { part, attempts = delivery.attempt, corrId = '', traceparent = '' } = details;
  const bounds = [deadLetterEntries, deadLetterBytes];
  const rest = part === undefined ? ['', ''] : [Buffer.from(part.entry), part.note];
  const origin = ['kind', kind, 'name', name, 'lane', lane];
  const why = ['reason', reason, 'attempt', attempts, 'corr', corrId, 'trace', traceparent];
  return [group, kind === 'work' ? '1' : '0', delivery.id, frames, instance, ...bounds, ...rest, ...origin, ...why];
}
