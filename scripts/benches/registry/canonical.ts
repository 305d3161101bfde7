import { canonicalJson, hashBytes } from '@macronode/content';
import type { CaseResult } from '../../bench-harness.ts';
import { type Found, type Part, quantile, rounded, say } from './part.ts';
import { payloadOf } from './payloads.ts';

const KIB = 1_024;
const SIZES_KIB = [1, 4, 16, 64, 256, 960, 1_024] as const;
const MICROS = 1_000;
const ROUNDS_MIN = 10;

interface Measured {
  readonly kib: number;
  readonly canonical: number;
  readonly hash: number;
  readonly heapBytes: number;
}

/** Medians in µs of the two halves of `payload_b3`, and what a round leaves on the heap when no collection got in. */
function measure(kib: number, windowMs: number): Measured {
  const payload = payloadOf(kib * KIB);
  const [canonical, hash]: [number[], number[]] = [[], []];
  const heap: number[] = [];
  let bytes = 0;
  const until = performance.now() + windowMs;
  for (let round = 0; round < 2 * ROUNDS_MIN || performance.now() < until; round += 1) {
    const before = process.memoryUsage().heapUsed;
    const startedAt = performance.now();
    const encoded = Buffer.from(canonicalJson(payload));
    const between = performance.now();
    hashBytes(encoded);
    const endedAt = performance.now();
    const left = process.memoryUsage().heapUsed - before;
    if (round < ROUNDS_MIN) continue;
    bytes = encoded.length;
    canonical.push((between - startedAt) * MICROS);
    hash.push((endedAt - between) * MICROS);
    if (left > 0) heap.push(left);
  }
  return {
    kib: bytes / KIB,
    canonical: quantile(canonical, 0.5),
    hash: quantile(hash, 0.5),
    heapBytes: quantile(heap, 0.5),
  };
}

/** Least squares: what one more KiB costs, in µs. */
function slopeOf(points: readonly Measured[], of: (one: Measured) => number): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
  const [x, y] = [mean(points.map(({ kib }) => kib)), mean(points.map(of))];
  const over = points.reduce((sum, one) => sum + (one.kib - x) * (of(one) - y), 0);
  return over / points.reduce((sum, { kib }) => sum + (kib - x) ** 2, 0);
}

function caseOf(label: string, { kib, canonical, hash, heapBytes }: Measured): CaseResult {
  const total = canonical + hash;
  return {
    ...{ case: `payload_b3 of ${label}`, unit: 'µs', runs: 1, bytes: Math.round(kib * KIB) },
    ...{ median: rounded(total), min: rounded(total), max: rounded(total), heap_bytes_per_op: rounded(heapBytes) },
  };
}

async function run(quick: boolean): Promise<Found> {
  const points = SIZES_KIB.map((kib) => measure(kib, quick ? 60 : 400));
  const cases = points.map((point, at) => caseOf(`${SIZES_KIB[at]} KiB`, point));
  for (const [at, { canonical, hash }] of points.entries())
    say(
      `${String(SIZES_KIB[at]).padStart(5)} KiB: canonical form ${canonical.toFixed(0)} µs, BLAKE3 ${hash.toFixed(1)} µs`,
    );
  const slopes = {
    'canonical form, µs per KiB': rounded(slopeOf(points, ({ canonical }) => canonical)),
    'BLAKE3, µs per KiB': rounded(slopeOf(points, ({ hash }) => hash)),
  };
  say(
    `one KiB more: ${slopes['canonical form, µs per KiB']} µs of canonical form, ${slopes['BLAKE3, µs per KiB']} µs of BLAKE3`,
  );
  return { cases, slopes };
}

/** The canonical form (RFC 8785) of payloads and its BLAKE3, by size. The last two are the largest that is taken, and a whole MiB. */
export const canonicalisation: Part = { name: 'canonical', run };
