import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MESH_LIMITS } from '../mesh-limits.ts';
import type { AuditKind, MeshCounters } from '../metrics.ts';
import { AuditChain, ChainKey, type Detail, LINE_BYTES_MAX, type Sealed } from './audit-chain.ts';
import { AppendFailed, AuditFile } from './audit-file.ts';
import { AuditLease, AuditLogHeld } from './audit-lease.ts';

/** Records sealed in one turn (count): about 2 ms, so that the thread gets to its other work. */
const BATCH = 256;
const MIB = 1_048_576;
/** Bytes of one file at least: room for a marker and some records. */
const FILE_BYTES_MIN = 4 * LINE_BYTES_MAX;
const FILES_MAX = 100;

export interface AuditLogOptions {
  /**
   * The file that grows; `.1`, `.2` … beside it are those it was before, and `.lease` the lock of its one writer: a second
   * one finds the file unusable, and takes over some time after the first has ended.
   */
  readonly file: string;
  /** At least 32 bytes. */
  readonly key: Uint8Array;
  /** Name of the key in the markers; by default derived from it. */
  readonly keyId?: string | undefined;
  /** The key of the log up to now, where `key` is new: with it the end of the old chain can be told. */
  readonly previousKey?: Uint8Array | undefined;
  /** Bytes after which a file is moved aside; at least 16,384. Default: 100 MiB. */
  readonly maxBytes?: number | undefined;
  /** Files kept in all, 1 to 100. Default: 10. */
  readonly files?: number | undefined;
  /** Ms between two fsyncs: what a power cut may lose. Default: 1,000. */
  readonly fsyncMs?: number | undefined;
  /** Records that may wait to be written. Default: 4,096. */
  readonly queue?: number | undefined;
  /** Ms before a file that failed is tried again; doubled up to 32 times of it. Default: 1,000. */
  readonly retryMs?: number | undefined;
  readonly counters: Pick<MeshCounters, 'auditEvents' | 'auditEventsDropped'>;
  /** Ms since 1970. */
  readonly now: () => number;
  /** Told once for each run of failures. */
  readonly onFailure?: ((error: Error) => void) | undefined;
  /** Told at the end of such a run, with the records it lost (count). */
  readonly onRecovery?: ((lost: number) => void) | undefined;
}

interface Entry {
  readonly kind: AuditKind | 'dropped';
  readonly detail: Detail;
  readonly atMs: number;
}

interface Lost {
  readonly full: number;
  readonly write_failed: number;
}

const NONE_LOST: Lost = { full: 0, write_failed: 0 };
const RETRY_DOUBLINGS = 5;

/**
 * The audit log of the mesh: records of a bounded queue, each sealed over the one before, in a file that is moved aside when
 * it is full. What cannot be written is counted, and told in the log itself by a record `dropped`. Nothing here throws into
 * the caller or makes it wait.
 *
 * Every call of `append` is in the end written (`audit_events_total`), lost (`audit_events_dropped_total`) or still queued.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #maxBytes: number;
  readonly #files: number;
  readonly #queueMax: number;
  readonly #retryMs: number;
  readonly #keys: readonly ChainKey[];
  readonly #chain: AuditChain;
  readonly #syncTimer: NodeJS.Timeout;
  readonly #queue: Entry[] = [];
  /** Taken from the queue and not in the file yet. */
  #inHand: Entry[] = [];
  #lease: AuditLease | undefined;
  #file: AuditFile | undefined;
  /** `hmac` of the last record in the file. */
  #head: string | undefined;
  #opening: Promise<void> | undefined;
  #pump: Promise<void> | undefined;
  #syncDue = false;
  #dirty = false;
  #closed = false;
  #retryTimer: NodeJS.Timeout | undefined;
  /** Failures without a written record between them (count). */
  #failures = 0;
  /** Lost and not told in the log yet. */
  #lost = NONE_LOST;
  #lostInRun = 0;

  private constructor(options: AuditLogOptions) {
    const { key, keyId, previousKey, fsyncMs = 1_000, queue = MESH_LIMITS.auditQueue, retryMs = 1_000 } = options;
    const { maxBytes = 100 * MIB, files = 10 } = options;
    if (!(maxBytes >= FILE_BYTES_MIN)) throw new RangeError(`maxBytes is below ${FILE_BYTES_MIN}`);
    if (!Number.isInteger(files) || files < 1 || files > FILES_MAX)
      throw new RangeError(`files is not a whole number from 1 to ${FILES_MAX}`);
    this.#options = options;
    this.#maxBytes = maxBytes;
    this.#files = files;
    this.#queueMax = queue;
    this.#retryMs = retryMs;
    const current = new ChainKey(key, keyId);
    this.#keys = previousKey === undefined ? [current] : [current, new ChainKey(previousKey)];
    this.#chain = new AuditChain(current);
    this.#syncTimer = setInterval(() => {
      this.#syncDue = true;
      this.#wake();
    }, fsyncMs);
    this.#syncTimer.unref();
  }

  /**
   * Begins a chain in the file. A file that cannot be used is no error here: what is appended is then lost and counted, and the
   * file is tried again. Throws RangeError for options out of range.
   */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const log = new AuditLog(options);
    await log.#open();
    return log;
  }

  /** Records that wait to be written (count). */
  get queued(): number {
    return this.#queue.length + this.#inHand.length;
  }

  /**
   * Takes a record. False when it is lost: the queue is full, or the file cannot be written. The detail must not change
   * afterwards; it holds no header values and no bodies.
   */
  append(kind: AuditKind, detail: Detail): boolean {
    if (this.#file === undefined || this.#closed) return this.#lose('write_failed', 1);
    if (this.#queue.length >= this.#queueMax) return this.#lose('full', 1);
    const atMs = this.#options.now();
    if (this.#lost !== NONE_LOST) this.#tellLost(atMs);
    this.#queue.push({ kind, detail, atMs });
    if (this.#pump === undefined) this.#wake();
    return true;
  }

  /** Writes what is queued, syncs and closes. Takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#syncTimer);
    clearTimeout(this.#retryTimer);
    await this.#opening;
    await this.#pump;
    this.#tellLost(this.#options.now());
    this.#syncDue = true;
    this.#wake();
    await this.#pump;
    const file = this.#file;
    this.#file = undefined;
    // It is synced: there is nothing left that a failure to close could lose.
    await file?.close().catch(() => undefined);
    this.#giveLease();
  }

  #lose(reason: keyof Lost, count: number): false {
    this.#options.counters.auditEventsDropped.inc({ reason }, count);
    this.#lost = { ...this.#lost, [reason]: this.#lost[reason] + count };
    this.#lostInRun += count;
    return false;
  }

  /** The record stands where the others are missing: behind what was queued before them, before what comes after. */
  #tellLost(atMs: number): void {
    if (this.#lost === NONE_LOST || this.#file === undefined) return;
    this.#queue.push({ kind: 'dropped', detail: { ...this.#lost }, atMs });
    this.#lost = NONE_LOST;
  }

  #wake(): void {
    if (this.#pump !== undefined || this.#file === undefined) return;
    // A turn later, so that what is appended together is written together.
    this.#pump = new Promise<void>((done) => void setImmediate(() => void this.#drain().finally(done)));
  }

  async #drain(): Promise<void> {
    while (this.#file !== undefined && (this.#queue.length > 0 || this.#syncDue)) {
      this.#inHand = this.#queue.splice(0, BATCH);
      try {
        if (this.#inHand.length > 0) await this.#write(this.#file, [...this.#inHand]);
        if (this.#syncDue) await this.#sync();
      } catch (error) {
        await this.#fail(error);
      }
    }
    this.#pump = undefined;
  }

  async #write(current: AuditFile, batch: readonly Entry[]): Promise<void> {
    let file = current;
    let lines: Sealed[] = [];
    let bytes = 0;
    for (const { atMs, kind, detail } of batch) {
      // The longest line instead of this one: what it is sealed over depends on the file it goes to.
      if (file.size + bytes + LINE_BYTES_MAX > this.#maxBytes) {
        await this.#flush(file, lines);
        file = await this.#rotate(file);
        [lines, bytes] = [[], 0];
      }
      const sealed = this.#chain.next(atMs, kind, detail);
      lines.push(sealed);
      bytes += sealed.bytes;
    }
    await this.#flush(file, lines);
    this.#recovered();
  }

  /** Writes sealed records of what is in hand, and counts those that are in the file whole. */
  async #flush(file: AuditFile, sealed: readonly Sealed[]): Promise<void> {
    let written = sealed.length;
    try {
      await file.append(sealed.map(({ line }) => line));
    } catch (error) {
      written = error instanceof AppendFailed ? error.whole : 0;
      throw error;
    } finally {
      this.#head = sealed[written - 1]?.hmac ?? this.#head;
      this.#dirty = true;
      for (const { kind } of this.#inHand.splice(0, written))
        if (kind !== 'dropped') this.#options.counters.auditEvents.inc({ kind });
    }
  }

  async #rotate(full: AuditFile): Promise<AuditFile> {
    const file = await full.rotate(this.#files);
    this.#file = file;
    const sealed = this.#chain.rotate(this.#options.now());
    await file.append([sealed.line]);
    this.#head = sealed.hmac;
    return file;
  }

  async #sync(): Promise<void> {
    this.#syncDue = false;
    if (this.#file === undefined) return;
    if (!(await this.#file.inPlace())) await this.#begin();
    if (this.#dirty) await this.#file.sync();
    this.#dirty = false;
  }

  #open(): Promise<void> {
    this.#opening = this.#begin().catch((error: unknown) => this.#fail(error));
    return this.#opening;
  }

  /** Opens the file, in place of the one there was, and begins a chain in it. */
  async #begin(): Promise<void> {
    const path = this.#options.file;
    await mkdir(dirname(path), { recursive: true });
    this.#takeLease(path);
    const opened = await AuditFile.open(path, this.#keys);
    const { tail } = opened;
    let { file } = opened;
    try {
      if (file.size + LINE_BYTES_MAX > this.#maxBytes) file = await file.rotate(this.#files);
      const sealed = this.#chain.begin(this.#options.now(), this.#head ?? tail.head, tail.torn);
      await file.append([sealed.line]);
      this.#head = sealed.hmac;
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
    const before = this.#file;
    this.#file = file;
    this.#dirty = true;
    this.#tellLost(this.#options.now());
    this.#wake();
    await before?.close();
  }

  /** Anew each time, as the one held may have gone where the log was moved to. */
  #takeLease(path: string): void {
    this.#giveLease();
    try {
      this.#lease = AuditLease.take(path);
    } catch (error) {
      // The end of the log is then what the other has written.
      if (error instanceof AuditLogHeld) this.#head = undefined;
      throw error;
    }
  }

  #giveLease(): void {
    this.#lease?.[Symbol.dispose]();
    this.#lease = undefined;
  }

  async #fail(error: unknown): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    const gone = [...this.#inHand.splice(0), ...this.#queue.splice(0)];
    const told = gone.filter(({ kind }) => kind === 'dropped');
    if (gone.length > told.length) this.#lose('write_failed', gone.length - told.length);
    for (const { detail } of told) {
      const { full, write_failed } = this.#lost;
      this.#lost = {
        full: full + Number(detail['full']),
        write_failed: write_failed + Number(detail['write_failed']),
      };
    }
    this.#failures += 1;
    if (this.#failures === 1) this.#options.onFailure?.(error instanceof Error ? error : new Error(String(error)));
    await file?.close().catch(() => undefined);
    if (this.#closed) return;
    const delayMs = this.#retryMs * 2 ** Math.min(this.#failures - 1, RETRY_DOUBLINGS);
    this.#retryTimer = setTimeout(() => void this.#open(), delayMs);
    this.#retryTimer.unref();
  }

  #recovered(): void {
    if (this.#failures > 0) this.#options.onRecovery?.(this.#lostInRun);
    this.#failures = 0;
    this.#lostInRun = 0;
  }
}
