import { canonicalJson, hashBytes } from '@macronode/content';
import { RegistryAuditRecord } from '@macronode/contracts';

/** Versions from one to another, without the last. */
export interface Versions {
  readonly from: number;
  readonly to: number;
}

export interface Walked {
  readonly fault?: 'form' | 'link' | 'hash' | 'commit';
  /** Versions whose commit should have been recorded before this record, if it was this log that committed them. */
  readonly skipped?: Versions;
}

/** Undefined for what is no record in its one spelling. */
function recordOf(text: string): RegistryAuditRecord | undefined {
  try {
    const record = RegistryAuditRecord.parse(JSON.parse(text));
    // A member nobody knows would be of no hash.
    return canonicalJson(record) === text ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Follows the links of an audit chain from the first record that is kept. Pure: it is given one text after another. */
export class AuditWalk {
  readonly #versionOf: (payloadHash: string) => number | undefined;
  #seq = 0;
  /** `self_hash` of the record before; undefined where nothing is known of it. */
  #prev: string | undefined;
  #last: string | undefined;
  /** The newest version whose commit record was seen; undefined while older records than the first kept may have it. */
  #recorded: number | undefined = 0;

  /** `versionOf` tells which version a payload became. */
  constructor(versionOf: (payloadHash: string) => number | undefined) {
    this.#versionOf = versionOf;
  }

  /** Of the last record. */
  get seq(): number {
    return this.#seq;
  }

  /** Its text; undefined before there is one. */
  get last(): string | undefined {
    return this.#last;
  }

  take(text: string): Walked {
    const begins = this.#last === undefined;
    this.#last = text;
    const record = recordOf(text);
    if (begins && record?.seq !== 1) this.#recorded = undefined;
    if (record === undefined) {
      this.#seq += 1;
      this.#prev = undefined;
      return { fault: 'form' };
    }
    const { self_hash: selfHash, ...body } = record;
    const linked = (begins || body.seq === this.#seq + 1) && (this.#prev ?? body.prev) === body.prev;
    this.#seq = body.seq;
    this.#prev = selfHash;
    if (!linked) return { fault: 'link' };
    if (hashBytes(Buffer.from(canonicalJson(body))) !== selfHash) return { fault: 'hash' };
    return body.kind === 'commit' ? this.#commit(body.subject ?? '') : {};
  }

  #commit(payloadHash: string): Walked {
    const version = this.#versionOf(payloadHash);
    if (version === undefined || version <= (this.#recorded ?? 0)) return { fault: 'commit' };
    const skipped = { from: (this.#recorded ?? version - 1) + 1, to: version };
    this.#recorded = version;
    return { skipped };
  }

  /** The oldest records were removed, and the last one seen with them: what is kept now begins anew. */
  beginAgain(): void {
    this.#last = undefined;
    this.#prev = undefined;
    this.#recorded = undefined;
  }

  /** At the end: versions up to `head` whose commit should have been recorded, if it was this log that committed them. */
  rest(head: number): Versions {
    return { from: (this.#recorded ?? head) + 1, to: head + 1 };
  }
}
