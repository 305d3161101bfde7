import { LIMITS, type RegistryCommitted, type RegistryHead } from '@macronode/contracts';

/** How long a client waits before it connects again, in ms. */
const RETRY_MS = 2_000;
/** Texts kept, so that many clients that come back at once are sent the same bytes. */
const KEPT = LIMITS.registry_stream_backfill.value;

/** The first line of every stream (WHATWG HTML, 9.2). */
export const GREETING: Buffer = Buffer.from(`retry: ${String(RETRY_MS)}\n\n`);
/** A comment: no event, and no proxy takes the stream for dead. */
export const HEARTBEAT: Buffer = Buffer.from(':\n\n');
/** The last line of a stream this node ends. */
export const FAREWELL: Buffer = Buffer.from(': this node goes; connect again\n\n');

/** JSON has no line break outside of its strings, nor inside: the data is one line. */
const eventText = (event: string, id: number, data: unknown): Buffer =>
  Buffer.from(`event: ${event}\nid: ${String(id)}\ndata: ${JSON.stringify(data)}\n\n`);

/**
 * `reset` where a stream begins at the head, `lag` where events were lost. The reader reads what it is missing up to that
 * head; the id says that the stream goes on after it.
 */
export const headText = (event: 'reset' | 'lag', head: RegistryHead): Buffer => eventText(event, head.version, head);

/** A commit as every client is sent it: made once. */
export class CommitTexts {
  readonly #byVersion = new Map<number, Buffer>();

  of({ version, payload_b3, entry_b3, committed_at }: RegistryCommitted): Buffer {
    const kept = this.#byVersion.get(version);
    if (kept !== undefined) return kept;
    const text = eventText('commit', version, { version, payload_b3, entry_b3, committed_at });
    this.#byVersion.set(version, text);
    if (this.#byVersion.size > KEPT) this.#byVersion.delete(this.#byVersion.keys().next().value ?? version);
    return text;
  }
}
