// What wrk and h2load print, as the same numbers.

export const BULK_TOOLS = ['wrk', 'h2load'] as const;
export type BulkTool = (typeof BULK_TOOLS)[number];

export interface BulkResult {
  readonly tool: BulkTool;
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Answers that were no 2xx or 3xx, and requests that were not answered. */
  readonly failed: number;
  readonly meanMs: number;
  /** h2load tells no percentiles. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly maxMs: number;
}

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 };

/** Milliseconds of `557.00us`, `3.60ms` or `1.20s`. */
function msOf(text: string): number {
  const [, value, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  return Number(value) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
}

/** The first group of a pattern; throws where the program printed something else. */
function found(output: string, pattern: RegExp): string {
  const value = pattern.exec(output)?.[1];
  if (value === undefined) throw new Error(`The program printed no ${pattern.source}:\n${output}`);
  return value;
}

/** What `wrk --latency` printed. */
export function parseWrk(output: string): BulkResult {
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output) ?? [];
  const [connect = 0, read = 0, write = 0, timeout = 0] = sockets.slice(1).map(Number);
  const others = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0);
  return {
    tool: 'wrk',
    requests: Number(found(output, /(\d+) requests in/)),
    requestsPerSecond: Number(found(output, /Requests\/sec:\s+([\d.]+)/)),
    failed: others + connect + read + write + timeout,
    meanMs: msOf(found(output, /Latency\s+(\S+)\s/)),
    p50Ms: msOf(found(output, /^\s+50%\s+(\S+)/m)),
    p99Ms: msOf(found(output, /^\s+99%\s+(\S+)/m)),
    maxMs: msOf(found(output, /Latency\s+\S+\s+\S+\s+(\S+)/)),
  };
}

/** What `h2load` printed. */
export function parseH2load(output: string): BulkResult {
  const [, total, failed, errored, timeout] =
    /requests: (\d+) total, .* (\d+) failed, (\d+) errored, (\d+) timeout/.exec(output) ?? [];
  const times = /time for request:\s+(\S+)\s+(\S+)\s+(\S+)/.exec(output) ?? [];
  if (total === undefined || times[3] === undefined) throw new Error(`h2load printed no requests:\n${output}`);
  if (total === '0') throw new Error(`h2load was not answered once:\n${output}`);
  return {
    tool: 'h2load',
    requests: Number(total),
    requestsPerSecond: Number(found(output, /finished in \S+, ([\d.]+) req\/s/)),
    // h2load counts 4xx and 5xx as failed; errors and timeouts are among them.
    failed: Math.max(Number(failed), Number(errored) + Number(timeout)),
    meanMs: msOf(times[3]),
    p50Ms: undefined,
    p99Ms: undefined,
    maxMs: msOf(times[2] ?? ''),
  };
}
