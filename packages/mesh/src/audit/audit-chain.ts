import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/**
 * A record is one line of ASCII or UTF-8 JSON without spaces:
 * `{"seq":0,"ts":"…","kind":"…","detail":{…},"prev_hash":"64 hex","hmac":"64 hex"}`. Its event is the line without the last
 * two members; `hmac` is HMAC-SHA256(key, event + "|" + prev_hash), and the `prev_hash` of the record after it.
 */
export type Detail = Readonly<Record<string, string | number | boolean>>;

/** Key bytes an audit log asks for: as many as its hashes have, so that the key is not what is guessed. */
const KEY_BYTES_MIN = 32;
/** Bytes of one line, its end included. Records of the mesh are below 500. */
export const LINE_BYTES_MAX = 4_096;
/** Chars of one string of a detail; what is over it is cut and the number of chars cut is told. */
const TEXT_CHARS_MAX = 256;

const GENESIS_TAG = 'macronode-audit-genesis-v1';
const KEY_ID_TAG = 'macronode-audit-key-id-v1';
const KEY_ID_DIGITS = 16;
const RECORD = /^(\{"seq":.*),"prev_hash":"([0-9a-f]{64})","hmac":"([0-9a-f]{64})"\}$/s;

/** The bytes after the last whole record of a file: what a process left that was killed while it wrote. */
export interface TornTail {
  readonly bytes: number;
  readonly sha256: string;
}

/** What the new chain says of the one before it: its last `hmac`, that there is none, or that it cannot be told. */
export type PrevHead = string | 'none' | 'unverified';

export interface Sealed {
  /** With its line feed. */
  readonly line: string;
  readonly bytes: number;
  readonly hmac: string;
}

/** A key of the audit log and the name it goes by. */
export class ChainKey {
  readonly id: string;
  readonly #secret: KeyObject;

  /** `id`: by default derived from the key. Throws RangeError for a key below 32 bytes. */
  constructor(key: Uint8Array, id?: string) {
    if (key.length < KEY_BYTES_MIN) throw new RangeError(`the key of the audit log is below ${KEY_BYTES_MIN} bytes`);
    this.#secret = createSecretKey(key);
    this.id = id ?? this.hmac(KEY_ID_TAG).slice(0, KEY_ID_DIGITS);
  }

  hmac(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('hex');
  }

  /** The `hmac` of a line that is a whole record sealed with this key, else undefined. */
  headOf(line: Buffer): string | undefined {
    const [, event, prevHash, hmac] = RECORD.exec(line.toString('latin1')) ?? [];
    if (event === undefined || prevHash === undefined || hmac === undefined) return undefined;
    const bytes = line.subarray(0, event.length);
    const sealed = createHmac('sha256', this.#secret).update(bytes).update(`}|${prevHash}`).digest('hex');
    return sealed === hmac ? hmac : undefined;
  }
}

/** Whether a line has the shape of a whole record, whoever sealed it. */
export const looksWhole = (line: Buffer): boolean => RECORD.test(line.toString('latin1'));

/** Numbers and seals records, each over the one before. Does no I/O. */
export class AuditChain {
  readonly #key: ChainKey;
  #seq = 0;
  #head: string;

  constructor(key: ChainKey) {
    this.#key = key;
    this.#head = key.hmac(GENESIS_TAG);
  }

  /** Begins a chain: its first record tells how the one before it ended. */
  begin(atMs: number, prevHead: PrevHead, torn: TornTail | undefined): Sealed {
    this.#seq = 0;
    this.#head = this.#key.hmac(GENESIS_TAG);
    const told = torn === undefined ? {} : { torn_bytes: torn.bytes, torn_sha256: torn.sha256 };
    return this.next(atMs, 'chain_init', { prev_head: prevHead, key_id: this.#key.id, ...told });
  }

  /** Goes on in a new file: the first record there. */
  rotate(atMs: number): Sealed {
    return this.next(atMs, 'chain_rotate', { prev_head: this.#head, key_id: this.#key.id });
  }

  next(atMs: number, kind: string, detail: Detail): Sealed {
    const head = { seq: this.#seq, ts: new Date(atMs).toISOString(), kind };
    let sealed = this.#seal(JSON.stringify({ ...head, detail: shortened(detail) }));
    if (sealed.bytes > LINE_BYTES_MAX)
      sealed = this.#seal(JSON.stringify({ ...head, detail: { oversized_bytes: sealed.bytes } }));
    this.#seq += 1;
    this.#head = sealed.hmac;
    return sealed;
  }

  #seal(event: string): Sealed {
    const hmac = this.#key.hmac(`${event}|${this.#head}`);
    const line = `${event.slice(0, -1)},"prev_hash":"${this.#head}","hmac":"${hmac}"}\n`;
    return { line, bytes: Buffer.byteLength(line), hmac };
  }
}

function shortened(detail: Detail): Detail {
  let short: Record<string, string | number | boolean> | undefined;
  for (const [name, value] of Object.entries(detail)) {
    if (typeof value !== 'string' || value.length <= TEXT_CHARS_MAX) continue;
    short ??= { ...detail };
    short[name] = `${value.slice(0, TEXT_CHARS_MAX)}…+${value.length - TEXT_CHARS_MAX}`;
  }
  return short ?? detail;
}
