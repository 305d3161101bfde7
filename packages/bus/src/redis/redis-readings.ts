import type { StreamReading } from '../link.ts';
import type { RedisClock } from './redis-clock.ts';
import type { RedisConnection } from './redis-connection.ts';
import type { RedisLinkBounds } from './redis-options.ts';
import type { ConsumerPlace } from './redis-place.ts';
import type { RedisInbox } from './redis-inbox.ts';
import { asArray, asNumber, asText } from './redis-replies.ts';
import { READING } from './redis-scripts.ts';

interface Question {
  readonly stream: StreamReading['stream'];
  readonly name: string;
  readonly lane: StreamReading['lane'];
  readonly keys: { readonly stream: string; readonly counters: string };
  /** Presence of the group's consumers, with its name; undefined where there is no group. */
  readonly live: string | undefined;
  readonly group: string | undefined;
}

/** Reads depth, pending and lag of streams: a short script for each, all of them sent together. */
export async function readStreams(
  connection: RedisConnection,
  clock: RedisClock,
  { streamFrames, streamBytes }: RedisLinkBounds,
  places: readonly ConsumerPlace[],
  inboxes: readonly RedisInbox[],
): Promise<readonly StreamReading[]> {
  const ageMs = (id: unknown): number => (Buffer.isBuffer(id) && id.length > 0 ? clock.ageMs(asText(id)) : 0);
  const read = async ({ stream, name, lane, keys, live, group }: Question): Promise<StreamReading> => {
    const touched = live === undefined ? [keys.stream, keys.counters] : [keys.stream, keys.counters, live];
    const reply = asArray(await connection.run(READING, touched, [group ?? '']));
    const [entries, frames, bytes, pending, oldest, lag, behind, present] = reply;
    const lagEntries = asNumber(lag);
    return {
      stream,
      name,
      lane,
      depthEntries: asNumber(entries),
      depthBytes: asNumber(bytes),
      pendingEntries: asNumber(pending),
      oldestPendingMs: ageMs(oldest),
      group:
        live === undefined
          ? undefined
          : {
              depthFrames: asNumber(frames),
              limitFrames: streamFrames,
              limitBytes: streamBytes,
              lagEntries: lagEntries < 0 ? undefined : lagEntries,
              lagMs: ageMs(behind),
              liveConsumers: asNumber(present),
            },
    };
  };
  const settled = await Promise.allSettled(questionsOf(places, inboxes).map(read));
  return settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
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
      live: undefined,
      group: undefined,
    });
    return { stream: kind, name, lane, keys, live: keys.live, group };
  });
  for (const { instance, keys } of inboxes) {
    questions.push({ stream: 'inbox', name: instance, lane: 'none', keys, live: undefined, group: undefined });
  }
  return [...questions, ...deadLetters.values()];
}
