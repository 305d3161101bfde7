import type { AuditKey } from './audit-key.ts';
import { type Break, ChainBroken, type Place } from './chain-broken.ts';
import type { FileLine } from './file-lines.ts';
import { isMoreThanRecord, type RecordLine, recordOf } from './record-line.ts';
import { TornBytes } from './torn-bytes.ts';

/** What is odd and still no break. */
export interface Warning extends Place {
  readonly what: string;
}

const CHANGED = 'its hmac is not that of what it says';

interface Chain {
  readonly key: AuditKey;
  readonly seq: number;
  readonly hmac: string;
}

/** Walks an audit log from its first line: seals, links, markers. Holds one record; knows no files. */
export class ChainCheck {
  readonly warnings: Warning[] = [];
  readonly kinds = new Map<string, number>();
  /** Records the node lost and says so, by why. */
  readonly dropped = { full: 0, write_failed: 0 };
  records = 0;
  chains = 0;
  /** The last record of what comes before the first line; `none` for a log from its beginning. */
  begins: string | undefined;
  /** A record a caller knows of, and whether it was met. */
  readonly #awaited: string | undefined;
  #met = false;
  readonly #keys: readonly AuditKey[];
  #chain: Chain | undefined;
  #torn: TornBytes | undefined;

  /** `awaited`: `hmac` of a record that must be in the log. */
  constructor(keys: readonly AuditKey[], awaited?: string) {
    this.#keys = keys;
    this.#awaited = awaited;
  }

  /** `hmac` of the last record. */
  get head(): string | undefined {
    return this.#chain?.hmac;
  }

  /** Throws {@link ChainBroken}; then the rest is of no use. */
  add(line: FileLine, place: Place): void {
    if (line.tooLong) throw new ChainBroken('changed', place, 'the line is longer than any record');
    const record = recordOf(line.bytes);
    if (record === undefined || !line.ended) {
      if (record !== undefined && !this.#keys.some((key) => key.sealed(record.event, record.prevHash, record.hmac)))
        throw new ChainBroken('changed', place, CHANGED);
      // Only the line feed is missing: it does not count, as the node that starts next calls it torn too.
      this.#addTorn(line, place);
      return;
    }
    if (record.kind === 'chain_init') this.#begin(record, place);
    else if (this.#chain === undefined && record.kind === 'chain_rotate') this.#beginInTheMiddle(record, place);
    else this.#follow(record, this.#chain, place);
    this.#count(record);
  }

  /** Throws {@link ChainBroken} for an end that no interrupted write leaves, or when the awaited record was not met. */
  finish(place: Place): void {
    const torn = this.#torn;
    if (torn !== undefined) {
      if (!torn.mayEnd) throw notRecord(torn.from);
      this.#warn(torn.from, `torn tail: ${torn.bytes} bytes of a write that was interrupted`);
    }
    if (this.#awaited !== undefined && !this.#met)
      throw new ChainBroken('removed', place, `the log ends without record ${this.#awaited}: its end is missing`);
  }

  #addTorn(line: FileLine, place: Place): void {
    if (isMoreThanRecord(line.bytes)) throw new ChainBroken('changed', place, 'it is a record and more than that');
    this.#torn ??= new TornBytes(place);
    if (!this.#torn.add(line)) throw notRecord(this.#torn.from);
  }

  #begin(record: RecordLine, place: Place): void {
    const key = this.#keyOf(record, place);
    if (record.prevHash !== key.genesis || record.seq !== 0)
      throw new ChainBroken('not_continued', place, 'it begins a chain and follows a record');
    this.#checkTorn(record, place);
    const said = String(record.detail['prev_head']);
    const head = this.head;
    if (said === 'unverified') {
      if (head === undefined) this.begins = said;
      this.#warn(
        place,
        'the node that began this chain could not verify the end of the one before: they are not bound',
      );
    } else if (head === undefined) {
      this.begins = said;
      if (said !== 'none') this.#warn(place, `the log begins after record ${said}: what is before it was not given`);
    } else if (said !== head) throw notContinued(said, head, place);
    this.chains += 1;
    this.#chain = { key, seq: 0, hmac: record.hmac };
  }

  #beginInTheMiddle(record: RecordLine, place: Place): void {
    const key = this.#keyOf(record, place);
    if (this.#torn !== undefined) throw notRecord(this.#torn.from);
    this.begins = record.prevHash;
    this.#warn(place, `the log begins after record ${record.prevHash}: what is before it was not given`);
    this.chains += 1;
    this.#chain = { key, seq: record.seq, hmac: record.hmac };
  }

  #follow(record: RecordLine, chain: Chain | undefined, place: Place): void {
    const fail = (kind: Break, problem: string): never => {
      throw new ChainBroken(kind, place, problem);
    };
    if (this.#torn !== undefined) throw notRecord(this.#torn.from);
    if (chain === undefined) return fail('removed', 'the log does not begin with a marker: its beginning is missing');
    const { event, prevHash, hmac, seq, kind } = record;
    if (!chain.key.sealed(event, prevHash, hmac)) fail('changed', CHANGED);
    const expected = chain.seq + 1;
    if (seq > expected) fail('removed', `it is record ${seq}: ${seq - expected} before it are missing`);
    if (seq < expected) fail('reordered', `it is record ${seq} where ${expected} must stand: moved, or repeated`);
    if (prevHash !== chain.hmac) {
      if (kind === 'chain_rotate') throw notContinued(prevHash, chain.hmac, place);
      fail('not_continued', 'its prev_hash is not the hmac of the record before');
    }
    this.#chain = { key: chain.key, seq, hmac };
  }

  /** The key of a chain, from its first record. */
  #keyOf({ event, prevHash, hmac, detail }: RecordLine, place: Place): AuditKey {
    for (const key of this.#keys) if (key.sealed(event, prevHash, hmac)) return key;
    const id = String(detail['key_id']);
    if (this.#keys.some((key) => key.id === id)) throw new ChainBroken('changed', place, CHANGED);
    throw new ChainBroken('wrong_key', place, `it was sealed with key ${id}, or changed: no key given fits`);
  }

  #checkTorn({ detail }: RecordLine, place: Place): void {
    const { torn_bytes: bytes, torn_sha256: sha256 } = detail;
    const torn = this.#torn;
    this.#torn = undefined;
    if (torn === undefined) {
      if (bytes === undefined || this.#chain === undefined) return;
      throw new ChainBroken('removed', place, `the ${String(bytes)} torn bytes it tells of are missing before it`);
    }
    if (!torn.toldBy(bytes, sha256)) throw notRecord(torn.from);
    this.#warn(torn.from, `torn: ${String(bytes)} bytes of a write that was interrupted; the next chain tells of them`);
  }

  #count({ kind, hmac, detail }: RecordLine): void {
    this.records += 1;
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    if (hmac === this.#awaited) this.#met = true;
    if (kind !== 'dropped') return;
    this.dropped.full += Number(detail['full'] ?? 0);
    this.dropped.write_failed += Number(detail['write_failed'] ?? 0);
  }

  #warn(place: Place, what: string): void {
    this.warnings.push({ ...place, what });
  }
}

const notRecord = (place: Place): ChainBroken =>
  new ChainBroken('changed', place, 'it is no record, and no marker tells of an interrupted write here');

const notContinued = (said: string, head: string, place: Place): ChainBroken =>
  new ChainBroken(
    'not_continued',
    place,
    `it continues a log that ended with ${said}; what stands before it ends with ${head}: records or a file are missing`,
  );
