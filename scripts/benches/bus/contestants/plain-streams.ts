import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { type Contestant, type EchoClient, SERVER_CONCURRENCY, type Venue } from '../contestant.ts';

// What one writes by hand: requests are entries of one stream, read by a consumer group; each client has a reply stream.
const REQUESTS = 'rpc:requests';
const GROUP = 'echo';
const BLOCK_MS = 1_000;
const REPLIES_KEPT = 10_000;

type Entry = readonly [id: Buffer, fields: readonly Buffer[]];
type Read = readonly (readonly [stream: Buffer, entries: readonly Entry[]])[] | null;

const encode = (payload: unknown): Buffer =>
  payload instanceof Uint8Array
    ? Buffer.concat([Buffer.from('b'), payload])
    : Buffer.from(`j${JSON.stringify(payload)}`);

const decode = (body: Buffer): unknown =>
  body[0] === 'b'.charCodeAt(0) ? body.subarray(1) : (JSON.parse(body.toString('utf8', 1)) as unknown);

const connection = ({ redisPort }: Venue, enableAutoPipelining: boolean): Redis =>
  new Redis({ host: '127.0.0.1', port: redisPort, enableAutoPipelining });

/** Reads for as long as the process lives; an error ends the process. */
async function readLoop(read: () => Promise<Read>, onEntry: (entry: Entry) => void): Promise<never> {
  for (;;) {
    for (const [, entries] of (await read()) ?? []) for (const entry of entries) onEntry(entry);
  }
}

async function serve(venue: Venue, autoPipelining: boolean): Promise<void> {
  const reader = connection(venue, false);
  const writer = connection(venue, autoPipelining);
  await writer.xgroup('CREATE', REQUESTS, GROUP, '0', 'MKSTREAM');
  const answer = async ([id, [, replyTo, , call, , body]]: Entry): Promise<void> => {
    if (replyTo === undefined || call === undefined || body === undefined) throw new Error('not a request');
    const reply = encode(decode(body));
    await Promise.all([
      writer.xadd(replyTo, 'MAXLEN', '~', REPLIES_KEPT, '*', 'call', call, 'body', reply),
      writer.xack(REQUESTS, GROUP, id),
      writer.xdel(REQUESTS, id),
    ]);
  };
  const read = (): Promise<Read> =>
    reader.xreadgroupBuffer(
      ...(['GROUP', GROUP, 'server', 'COUNT', SERVER_CONCURRENCY, 'BLOCK', BLOCK_MS] as const),
      ...(['STREAMS', REQUESTS, '>'] as const),
    ) as Promise<Read>;
  void readLoop(read, (entry) => void answer(entry));
}

async function connect(venue: Venue, autoPipelining: boolean): Promise<EchoClient> {
  const replies = `rpc:replies:${randomUUID()}`;
  const reader = connection(venue, false);
  const writer = connection(venue, autoPipelining);
  const waiting = new Map<string, (reply: unknown) => void>();
  let calls = 0;
  let last: Buffer | string = '0';
  const read = (): Promise<Read> =>
    reader.xreadBuffer('COUNT', SERVER_CONCURRENCY, 'BLOCK', BLOCK_MS, 'STREAMS', replies, last);
  void readLoop(read, ([id, [, call, , body]]) => {
    last = id;
    const key = call?.toString() ?? '';
    const resolve = waiting.get(key);
    waiting.delete(key);
    if (body !== undefined) resolve?.(decode(body));
  });
  return {
    call: async (payload) => {
      const call = String((calls += 1));
      const reply = new Promise<unknown>((resolve) => waiting.set(call, resolve));
      await writer.xadd(REQUESTS, '*', 'reply', replies, 'call', call, 'body', encode(payload));
      return reply;
    },
  };
}

const plain = (autoPipelining: boolean): Contestant => ({
  serve: (venue) => serve(venue, autoPipelining),
  connect: (venue) => connect(venue, autoPipelining),
});

/** Bare ioredis, no NestJS: one entry per message each way. */
export const plainStreams = plain(false);

/** The same with ioredis's automatic pipelining. */
export const plainStreamsPipelined = plain(true);
