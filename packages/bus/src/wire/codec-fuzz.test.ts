import { expect, test } from 'vitest';
import { encodeEntry } from './codec.ts';
import { SAMPLES, verdict } from './codec-samples.ts';

/** Entries damaged in one run (count); `CODEC_FUZZ_RUNS` overrides it, e.g. for a night. */
const RUNS = Number(process.env['CODEC_FUZZ_RUNS'] ?? 30_000);
/** Repeats a failed random run: the seed its name shows, as `CODEC_FUZZ_SEED`. */
const SEED = Number(process.env['CODEC_FUZZ_SEED'] ?? Math.floor(Math.random() * 0xffffffff));
const FIXED_SEED = 20_260_101;

/** A small generator (mulberry32): the same seed gives the same damage on every machine. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const ENTRIES: readonly Buffer[] = Object.values(SAMPLES).map((frames) => encodeEntry(frames));
/** Lengths and counts that a reader gets wrong first. */
const HOSTILE = [0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

const pick = <T>(from: readonly T[], next: (below: number) => number): T => {
  const found = from[next(from.length)];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
};

function damaged(entry: Buffer, next: (below: number) => number): Buffer {
  if (entry.length === 0) return pick(ENTRIES, next);
  const copy = Buffer.from(entry);
  const at = next(copy.length);
  switch (next(8)) {
    case 0:
      copy[at] = (copy[at] ?? 0) ^ (1 << next(8));
      return copy;
    case 1:
      copy[at] = next(256);
      return copy;
    case 2:
      if (at + 2 <= copy.length) copy.writeUInt16LE(pick(HOSTILE, next) & 0xffff, at);
      return copy;
    case 3:
      if (at + 4 <= copy.length) copy.writeUInt32LE(pick(HOSTILE, next), at);
      return copy;
    case 4:
      return copy.subarray(0, at);
    case 5:
      return Buffer.concat([copy.subarray(0, at), Buffer.of(next(256)), copy.subarray(at)]);
    case 6: {
      const end = at + next(copy.length - at);
      return Buffer.concat([copy.subarray(0, end), copy.subarray(at)]);
    }
    default: {
      const other = pick(ENTRIES, next);
      return Buffer.concat([copy.subarray(0, at), other.subarray(next(other.length))]);
    }
  }
}

function fuzz(seed: number): void {
  const next = generator(seed);
  let read = 0;
  for (let run = 0; run < RUNS; run += 1) {
    let entry = pick(ENTRIES, next);
    for (let left = 1 + next(3); left > 0; left -= 1) entry = damaged(entry, next);
    const result = verdict(entry);
    if (result.broken !== undefined) {
      throw new Error(`seed ${seed}, run ${run}: ${result.broken}, for ${entry.toString('hex')}`);
    }
    if (result.read) read += 1;
  }
  // Damage that is always refused, or never, would prove nothing.
  expect(read).toBeGreaterThan(RUNS / 100);
  expect(read).toBeLessThan(RUNS);
}

test(`${RUNS} damaged entries of the fixed seed`, () => fuzz(FIXED_SEED));

test(`${RUNS} damaged entries of a random seed (CODEC_FUZZ_SEED=${SEED})`, () => fuzz(SEED));

test('every byte of every kind of entry, set to every value', () => {
  for (const [name, frames] of Object.entries(SAMPLES)) {
    const entry = encodeEntry(frames);
    for (let at = 0; at < entry.length; at += 1) {
      const was = entry[at] ?? 0;
      for (let value = 0; value < 256; value += 1) {
        entry[at] = value;
        const { broken } = verdict(entry);
        if (broken !== undefined) throw new Error(`${name}, byte ${at} = ${value}: ${broken}`);
      }
      entry[at] = was;
    }
  }
});
