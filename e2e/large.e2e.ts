import { expect, test } from 'vitest';
import { ContentHasher } from '@macronode/content';
import { LIMITS, ObjectStored } from '@macronode/contracts';
import { client } from './client.ts';
import { byteChunks, streamOf, unique } from './content.ts';
import { sumOf } from './metrics-text.ts';
import { poll } from './poll.ts';

const SIZE = LIMITS.max_object_bytes.value;
const GROWTH_BYTES_MAX = 200 * 1024 * 1024;

const residentBytes = (): Promise<number> => sumOf('gateway', 'process_resident_memory_bytes');

/** Often enough to see a peak, seldom enough that the scrapes themselves cost the node nothing. */
const WATCH_EVERY_MS = 500;

/** The most resident memory that was seen while `work` ran. */
async function peakDuring(work: () => Promise<void>): Promise<number> {
  let peak = await residentBytes();
  let running = true;
  const look = async (): Promise<true | undefined> => {
    peak = Math.max(peak, await residentBytes());
    return running ? undefined : true;
  };
  const watching = poll(look, { what: 'the transfer to end', deadlineMs: 300_000, everyMs: WATCH_EVERY_MS });
  try {
    await work();
  } finally {
    running = false;
    await watching;
  }
  return peak;
}

test('an object of one gibibyte goes in and out, byte for byte, in bounded memory', async () => {
  const seed = unique('large');
  const hasher = new ContentHasher();
  for (const chunk of byteChunks(SIZE, seed)) hasher.update(chunk);
  const id = hasher.digest();
  const before = await residentBytes();

  const peakIn = await peakDuring(async () => {
    const reply = await client.send({ method: 'POST', path: '/o', body: streamOf(SIZE, seed), timeoutMs: 120_000 });
    expect(reply.status, reply.text).toBe(201);
    expect(ObjectStored.parse(reply.json())).toEqual({ id, size: SIZE });
  });
  const peakOut = await peakDuring(async () => {
    const { response } = await client.open({ method: 'GET', path: `/o/${id}`, timeoutMs: 120_000 });
    expect(response.headers['content-length']).toBe(String(SIZE));
    const back = new ContentHasher();
    let received = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      back.update(chunk);
      received += chunk.length;
    }
    expect(received).toBe(SIZE);
    expect(back.digest()).toBe(id);
  });

  const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
  process.stdout.write(
    `resident memory: ${mebibytes(before)} before, at most ${mebibytes(peakIn)} in, ${mebibytes(peakOut)} out\n`,
  );
  expect(peakIn - before).toBeLessThan(GROWTH_BYTES_MAX);
  expect(peakOut - before).toBeLessThan(GROWTH_BYTES_MAX);
}, 600_000);
