import { setTimeout as pause } from 'node:timers/promises';
import { LIMITS, RegistryEntry } from '@macronode/contracts';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { ASKED_WAIT_MS_MAX, type RegistryClient } from './registry-client.ts';

const PAGE = LIMITS.registry_log_page.value;
/** Between two tries to reach a node that went away: that is what the stream itself asks for. */
const RECONNECT_MS = 2_000;
/** How long a stream that is alive may tell nothing before the log is read all the same: its last event may be lost. */
const QUIET_MS = 60_000;

export interface Span {
  /** The version before the first. */
  readonly after: number;
  /** At most so many entries. */
  readonly limit: number;
}

/** Entries as the node sends them, page after page, to the end of the log. Fails when one is missing in between. */
export async function* logLines(client: RegistryClient, { after, limit }: Span): AsyncGenerator<string> {
  let version = after;
  const end = after + limit;
  while (version < end) {
    const before = version;
    for await (const line of client.lines('registryLog', version, Math.min(PAGE, end - version))) {
      const next = versionOf(line);
      if (next !== version + 1) {
        throw new Failure(EXIT.integrity, `version ${version + 1} is missing: the node sent ${next}`, {
          hint: 'see whether the log is whole with: ronctl registry verify',
        });
      }
      version = next;
      yield line;
    }
    if (version === before) return;
  }
}

const versionOf = (line: string): number => RegistryEntry.pick({ leaf: true }).parse(JSON.parse(line)).leaf.version;

export interface Following {
  readonly span: Span;
  readonly signal: AbortSignal;
  /** Told before the node is asked again. */
  readonly onBroken: (why: string, waitMs: number) => void;
  readonly reconnectMs?: number;
  readonly quietMs?: number;
}

/**
 * Entries to the end of the log, then those that come. The event stream says when to read; what is read is the log, so a
 * stream that broke loses nothing, and what a lost event was about is read with the next one or once the stream was quiet
 * for a while.
 */
export async function* followLog(client: RegistryClient, following: Following): AsyncGenerator<string> {
  const { signal, onBroken, reconnectMs = RECONNECT_MS, quietMs = QUIET_MS } = following;
  let { after, limit } = following.span;
  const missing = async function* (): AsyncGenerator<string> {
    for await (const line of logLines(client, { after, limit })) {
      after += 1;
      limit -= 1;
      yield line;
    }
  };
  yield* missing();
  while (limit > 0) {
    let waitMs = reconnectMs;
    try {
      let readMs = performance.now();
      for await (const event of client.events(after)) {
        const quiet = event === undefined && performance.now() - readMs >= quietMs;
        if (quiet || Number(event?.lastEventId) > after) {
          yield* missing();
          readMs = performance.now();
        }
        if (limit <= 0) return;
      }
      onBroken('the stream ended', waitMs);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Failure) || error.exitCode !== EXIT.unavailable) throw error;
      waitMs = Math.min(error.options.retryAfterMs ?? waitMs, ASKED_WAIT_MS_MAX);
      onBroken(error.message, waitMs);
    }
    await pause(waitMs, undefined, { signal });
  }
}
