import {
  DEAD_LETTER_LIMITS,
  type DeadLetter,
  type DeadLetterHead,
  type DeadLetterPage,
  type DeadLetters,
  type LetterDetails,
  pageLimit,
} from '../dead-letters.ts';
import { BusOverflow } from '../errors.ts';
import type { DeadLetterReason, Delivery, Lane } from '../link.ts';
import type { RedisArg } from './redis-connection.ts';
import { retryAfterFull, writeFailure } from './redis-failures.ts';
import { DROP_LETTERS, LIST_LETTERS, REPLAY_LETTER } from './redis-letter-scripts.ts';
import type { RedisLinkBounds } from './redis-options.ts';
import type { ConsumerPlace } from './redis-place.ts';
import { asArray, asBytes, asNumber, asText, idMs } from './redis-replies.ts';
import type { RedisScript } from './redis-script.ts';
import type { RedisShard } from './redis-shard.ts';

/** Where one letter lies: the id of its entry, and the shard. Written `<ms>-<seq>`, with `.<shard>` unless that is 0. */
interface LetterId {
  readonly entry: string;
  readonly shard: number;
}

const ID = /^(\d{1,20}-\d{1,20})(?:\.(\d{1,2}))?$/;

function parseId(text: string): LetterId | undefined {
  const [, entry, shard = '0'] = ID.exec(text) ?? [];
  return entry === undefined ? undefined : { entry, shard: Number(shard) };
}

const writeId = ({ entry, shard }: LetterId): string => (shard === 0 ? entry : `${entry}.${shard}`);

/** By time, then by number, then by shard: one order over all of them. */
function compareIds(a: LetterId, b: LetterId): number {
  const [ms = 0, seq = 0] = a.entry.split('-').map(Number);
  const [otherMs = 0, otherSeq = 0] = b.entry.split('-').map(Number);
  return ms - otherMs || seq - otherSeq || a.shard - b.shard;
}

interface Listed {
  readonly id: LetterId;
  readonly row: unknown;
}

/** Dead letters of one service: a stream on each shard that holds some of what it reads. */
export class RedisDeadLetters implements DeadLetters {
  readonly #service: string;
  readonly #shards: () => Promise<readonly RedisShard[]>;
  readonly #bounds: RedisLinkBounds;
  readonly #writer: RedisConnection;

  constructor(options: {
    readonly service: string;
    /** Every shard, in order, ready to be asked; or BusUnavailable. */
    readonly shards: () => Promise<readonly RedisShard[]>;
    readonly bounds: RedisLinkBounds;
    readonly writer: RedisConnection;
  }) {
    this.#service = options.service;
    this.#shards = options.shards;
    this.#bounds = options.bounds;
  }

  async list(
    options: { readonly after?: string | undefined; readonly limit?: number | undefined } = {},
  ): Promise<DeadLetterPage> {
    const limit = pageLimit(options.limit);
    const after = options.after === undefined ? undefined : parseId(options.after);
    const shards = await this.#shards();
    const pages = await Promise.all(shards.map((shard, at) => this.#page(shard, at, after, limit)));
    const found = pages.flatMap(({ letters }) => letters).sort((a, b) => compareIds(a.id, b.id));
    // A shard whose page ended early may hold letters older than what others found behind it.
    const ends = pages.flatMap(({ ended, letters }) => (ended ? [] : letters.slice(-1))).map(({ id }) => id);
    const certain = found.filter(({ id }) => ends.every((end) => compareIds(id, end) <= 0)).slice(0, limit);
    const more = certain.length < found.length || ends.length > 0;
    const letters = certain.map(({ id, row }) => this.#head(id, row));
    return { letters, next: more ? letters.at(-1)?.id : undefined };
  }

  async show(id: string): Promise<DeadLetter | undefined> {
    const found = await this.#find(id);
    if (found === undefined) return undefined;
    return { ...this.#head(found.id, found.row), entry: Uint8Array.from(asBytes(fieldsOf(found.row).get('f'))) };
  }

  async replay(id: string): Promise<boolean> {
    const found = await this.#find(id);
    if (found === undefined) return false;
    const { shard } = found;
    const { kind, name, lane } = this.#head(found.id, found.row);
    const work = kind === 'work';
    const target = work
      ? shard.keys.work(name, this.#service)
      : shard.keys.request(name, lane === 'bulk' ? 'bulk' : 'fast');
    const own = shard.keys.deadLetters(this.#service);
    const { streamFrames, streamBytes } = this.#bounds;
    const reply = await run(
      shard,
      REPLAY_LETTER,
      [own.stream, own.counters, target.stream, target.counters],
      [found.id.entry, streamFrames, streamBytes, work ? this.#service : ''],
    );
    const [outcome, held, rate] = asArray(reply);
    if (outcome === 0) {
      const message = `the stream of ${name} is full: the dead letter stays`;
      throw new BusOverflow('stream', retryAfterFull(asNumber(held), asNumber(rate)), message);
    }
    return outcome === 1;
  }

  async drop(id: string): Promise<boolean> {
    const parsed = parseId(id);
    const shard = parsed === undefined ? undefined : (await this.#shards())[parsed.shard];
    if (parsed === undefined || shard === undefined) return false;
    return (await this.#drop(shard, parsed.entry, parsed.entry, 1)) === 1;
  }

  async dropUntil(at: number, limit?: number): Promise<number> {
    const most = pageLimit(limit);
    let dropped = 0;
    for (const shard of await this.#shards()) {
      if (dropped < most) dropped += await this.#drop(shard, '-', String(Math.max(0, Math.floor(at))), most - dropped);
    }
    return dropped;
  }

  async #page(
    shard: RedisShard,
    at: number,
    after: LetterId | undefined,
    limit: number,
  ): Promise<{ letters: readonly Listed[]; ended: boolean }> {
    // On a shard behind that of the last letter, one with the same id is still to come.
    const from = after === undefined ? '-' : at > after.shard ? after.entry : `(${after.entry}`;
    const { stream } = shard.keys.deadLetters(this.#service);
    const reply = await run(shard, LIST_LETTERS, [stream], [from, limit, DEAD_LETTER_LIMITS.passedBytes]);
    const [ended, ...rows] = asArray(reply);
    const letters = rows.map((row) => ({ id: { entry: asText(asArray(row)[0]), shard: at }, row }));
    return { letters, ended: ended === 1 };
  }

  async #drop(shard: RedisShard, from: string, to: string, limit: number): Promise<number> {
    const { stream, counters } = shard.keys.deadLetters(this.#service);
    const args = [from, to, limit, DEAD_LETTER_LIMITS.passedBytes];
    return asNumber(await run(shard, DROP_LETTERS, [stream, counters], args));
  }

  async #find(text: string): Promise<(Listed & { readonly shard: RedisShard }) | undefined> {
    const id = parseId(text);
    const shard = id === undefined ? undefined : (await this.#shards())[id.shard];
    if (id === undefined || shard === undefined) return undefined;
    const { stream } = shard.keys.deadLetters(this.#service);
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
      id: writeId(id),
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
      at: idMs(id.entry),
    };
  }
}

async function run(
  shard: RedisShard,
  script: RedisScript,
  keys: readonly string[],
  args: readonly RedisArg[],
): Promise<unknown> {
  try {
    return await shard.run(script, keys, args);
  } catch (error) {
    throw writeFailure(error);
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
