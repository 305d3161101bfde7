import { hashBytes, canonicalJson } from '@macronode/content';
import { LIMITS, RegistryAuditRecord } from '@macronode/contracts';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import type { RegistryClient } from './registry-client.ts';
import type { Span } from './log-reader.ts';

const PAGE = LIMITS.registry_log_page.value;
const FIRST_PREV = 'b3:0';

/** Records of the audit chain as the node sends them, page after page. */
export async function* auditLines(client: RegistryClient, { after, limit }: Span): AsyncGenerator<string> {
  let seq = after;
  let left = limit;
  while (left > 0) {
    const before = seq;
    for await (const line of client.lines('registryAudit', seq, Math.min(PAGE, left))) {
      seq = RegistryAuditRecord.pick({ seq: true }).parse(JSON.parse(line)).seq;
      left -= 1;
      yield line;
    }
    if (seq === before) return;
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
  #records = 0;
  #first: RegistryAuditRecord | undefined;
  #last: RegistryAuditRecord | undefined;

  add(line: string): void {
    const value = JSON.parse(line) as Record<string, unknown>;
    const record = RegistryAuditRecord.parse(value);
    const { self_hash, ...hashed } = value;
    const fail = (problem: string): never => {
      throw new Failure(EXIT.integrity, `audit record ${record.seq}: ${problem}`, { details: { seq: record.seq } });
    };
    if (canonicalJson(value) !== line) fail('it is not in canonical form');
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
