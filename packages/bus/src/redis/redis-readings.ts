import type { StreamReading } from '../link.ts';
import type { RedisClock } from './redis-clock.ts';
import type { RedisArg, RedisConnection } from './redis-connection.ts';
import type { ConsumerPlace } from './redis-place.ts';
import type { RedisInbox } from './redis-inbox.ts';
import { asArray, asNumber, asText } from './redis-replies.ts';

type Command = readonly [name: string, ...args: RedisArg[]];

interface Question {
  readonly stream: StreamReading['stream'];
  readonly name: string;
  readonly lane: StreamReading['lane'];
  readonly keys: { readonly stream: string; readonly counters: string };
  readonly group: string | undefined;
}

/** Reads depth and pending of streams in one round trip, by the summary forms only: a scan of the pending list blocks Redis. */
export async function readStreams(
  connection: RedisConnection,
  clock: RedisClock,
  places: readonly ConsumerPlace[],
  inboxes: readonly RedisInbox[],
): Promise<readonly StreamReading[]> {
  const questions = questionsOf(places, inboxes);
  const commands: Command[] = [];
  for (const { keys, group } of questions) {
    commands.push(['xlen', keys.stream], ['hget', keys.counters, 'bytes']);
    if (group !== undefined) commands.push(['xpending', keys.stream, group]);
  }
  let replies: readonly (unknown | Error)[];
  try {
    replies = await connection.pipeline(commands);
  } catch {
    return [];
  }
  let next = 0;
  const take = (): unknown => {
    const reply = replies[next++];
    return reply instanceof Error ? undefined : reply;
  };
  return questions.map(({ stream, name, lane, group }) => {
    const depthEntries = asNumber(take());
    const bytes = asNumber(take());
    const [count, oldest] = group === undefined ? [] : asArray(take());
    return {
      stream,
      name,
      lane,
      depthEntries,
      depthBytes: depthEntries === 0 ? 0 : Math.max(0, bytes),
      pendingEntries: asNumber(count),
      oldestPendingMs: Buffer.isBuffer(oldest) ? clock.ageMs(asText(oldest)) : 0,
    };
  });
}

function questionsOf(places: readonly ConsumerPlace[], inboxes: readonly RedisInbox[]): Question[] {
  const deadLetters = new Map<string, Question>();
  const questions: Question[] = places.map((place) => {
    const { kind, name, lane, keys, group, service } = place;
    deadLetters.set(service, {
      stream: 'dead_letter',
      name: service,
      lane: 'none',
      keys: place.deadLetters,
      group: undefined,
    });
    return { stream: kind, name, lane, keys, group };
  });
  for (const { instance, keys } of inboxes) {
    questions.push({ stream: 'inbox', name: instance, lane: 'none', keys, group: undefined });
  }
  return [...questions, ...deadLetters.values()];
}
