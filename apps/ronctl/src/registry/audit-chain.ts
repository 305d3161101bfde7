import { CanonicalJsonError, canonicalJson, hashBytes } from '@macronode/content';
import { LIMITS, RegistryAuditRecord } from '@macronode/contracts';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import type { RegistryClient } from './registry-client.ts';
import type { Span } from './log-reader.ts';

const PAGE = LIMITS.registry_log_page.value;
const FIRST_PREV = 'b3:0';
const Numbered = RegistryAuditRecord.pick({ seq: true });
const HINT = 'nothing from there on can be trusted; compare with what another node or a backup holds';

/** A finding: which record is wrong, and what is wrong with it. */
const broken = (seq: number, problem: string, cause?: unknown): Failure =>
  new Failure(EXIT.integrity, `audit record ${seq}: ${problem}`, { details: { seq }, hint: HINT, cause });

/** The JSON of a line. What cannot be read is named by the number it should have. */
function jsonOf(line: string, expected: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw broken(expected, 'it is not JSON', cause);
  }
}

function recordOf<T>(value: unknown, expected: number, schema: { parse(value: unknown): T }): T {
  try {
    return schema.parse(value);
  } catch (cause) {
    throw broken(expected, 'a member is missing, or is not what it must be', cause);
  }
}

/** Records of the audit chain as the node sends them, page after page. */
export async function* auditLines(client: RegistryClient, { after, limit }: Span): AsyncGenerator<string> {
  let seq = after;
  let left = limit;
  while (left > 0) {
    const before = seq;
    for await (const line of client.lines('registryAudit', seq, Math.min(PAGE, left))) {
      seq = recordOf(jsonOf(line, seq + 1), seq + 1, Numbered).seq;
      left -= 1;
      yield line;
    }
    if (seq === before) return;
  }
}

/** Undefined for what has no canonical form: a lone surrogate, a number out of range. */
function canonicalText(value: unknown): string | undefined {
  try {
    return canonicalJson(value);
  } catch (error) {
    if (error instanceof CanonicalJsonError) return undefined;
    throw error;
  }
}

/** What is known of a chain once it was recomputed. */
export interface VerifiedAudit {
  readonly records: number;
  readonly first_seq: number | null;
  readonly last_seq: number | null;
  readonly self_hash: string | null;
}

/** Recomputes an audit chain: spelling, hash, link and number of every record. Old records may have been removed: it begins where it begins. */
export class AuditChain {
  readonly #after: number;
  #records = 0;
  #first: RegistryAuditRecord | undefined;
  #last: RegistryAuditRecord | undefined;

  /** Begins after the record of this number; 0 for the beginning. */
  constructor(after: number) {
    this.#after = after;
  }

  add(line: string): void {
    const expected = (this.#last?.seq ?? this.#after) + 1;
    const value = jsonOf(line, expected);
    const record = recordOf(value, expected, RegistryAuditRecord);
    const { self_hash, ...hashed } = value as Record<string, unknown>;
    const fail = (problem: string): never => {
      throw broken(record.seq, problem);
    };
    if (canonicalText(value) !== line) fail('it is not in canonical form');
    if (hashBytes(Buffer.from(canonicalJson(hashed))) !== self_hash) fail('self_hash is not the hash of the record');
    const last = this.#last;
    if (last !== undefined && record.seq !== last.seq + 1) fail(`it follows record ${last.seq}: one is missing`);
    if (last !== undefined && record.prev !== last.self_hash) fail('prev is not the hash of the record before');
    if (record.seq === 1 && record.prev !== FIRST_PREV) fail('it is the first and continues another');
    this.#first ??= record;
    this.#last = record;
    this.#records += 1;
  }

  get verified(): VerifiedAudit {
    return {
      records: this.#records,
      first_seq: this.#first?.seq ?? null,
      last_seq: this.#last?.seq ?? null,
      self_hash: this.#last?.self_hash ?? null,
    };
  }
}
