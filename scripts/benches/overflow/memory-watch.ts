import { Redis } from 'ioredis';
import { residentBytesOf } from '../../measure/cpu.ts';

const SAMPLE_MS = 1_000;
/** Samples before this are the way up: heaps and queues fill to their bounds. */
const SETTLING_MS = 10_000;

interface Sample {
  readonly atMs: number;
  readonly bytes: Readonly<Record<string, number>>;
}

/** Memory of one process (or, for `redis_used`, of Redis's own account) over a phase. */
export interface MemoryCourse {
  readonly maxBytes: number;
  /** Least-squares slope after the first 10 s, in bytes a second. */
  readonly slope: number;
  /** Mean of the last quarter of those samples over the mean of their first quarter: 1 is flat. NaN with fewer than 8 samples. */
  readonly growth: number;
}

/** Samples resident memory of processes, and `used_memory` of a Redis, each second. */
export class MemoryWatch {
  readonly #processes: readonly { readonly name: string; readonly pid: number }[];
  readonly #redis: Redis;
  readonly #samples: Sample[] = [];
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(redisUrl: string, processes: readonly { readonly name: string; readonly pid: number }[]) {
    this.#processes = processes;
    this.#redis = new Redis(redisUrl);
    this.#timer = setInterval(() => void this.#sample(), SAMPLE_MS);
  }

  /** Ends the watch and tells the course of each name. */
  stop(): Readonly<Record<string, MemoryCourse>> {
    clearInterval(this.#timer);
    this.#redis.disconnect();
    const names = Object.keys(this.#samples[0]?.bytes ?? {});
    return Object.fromEntries(names.map((name) => [name, this.#courseOf(name)]));
  }

  async #sample(): Promise<void> {
    const atMs = performance.now() - this.#startedAt;
    const info = await this.#redis.info('memory').catch(() => '');
    const used = /^used_memory:(\d+)/m.exec(info)?.[1];
    if (used === undefined) return;
    const resident = this.#processes.map(({ name, pid }) => [name, residentBytesOf(pid)] as const);
    this.#samples.push({ atMs, bytes: { ...Object.fromEntries(resident), redis_used: Number(used) } });
  }

  #courseOf(name: string): MemoryCourse {
    const points = this.#samples.map(({ atMs, bytes }) => ({ atMs, bytes: bytes[name] ?? 0 }));
    const settled = points.filter(({ atMs }) => atMs > SETTLING_MS);
    const quarter = Math.floor(settled.length / 4);
    const mean = (some: typeof points): number => some.reduce((sum, { bytes }) => sum + bytes, 0) / some.length;
    return {
      maxBytes: Math.max(...points.map(({ bytes }) => bytes)),
      slope: slopeOf(settled),
      growth: quarter < 2 ? Number.NaN : mean(settled.slice(-quarter)) / mean(settled.slice(0, quarter)),
    };
  }
}

/** Bytes a second of the line that fits best. NaN with fewer than two points. */
function slopeOf(points: readonly { readonly atMs: number; readonly bytes: number }[]): number {
  const meanAt = points.reduce((sum, { atMs }) => sum + atMs, 0) / points.length;
  const meanBytes = points.reduce((sum, { bytes }) => sum + bytes, 0) / points.length;
  let over = 0;
  let under = 0;
  for (const { atMs, bytes } of points) {
    over += (atMs - meanAt) * (bytes - meanBytes);
    under += (atMs - meanAt) ** 2;
  }
  return (over / under) * 1_000;
}
