import { ServiceError } from '@macronode/contracts';
import type { NameClaim, NamePutRequest, NameRecord, NameReply } from '@macronode/contracts';
import { parseIfMatch } from './if-match.ts';
import type { IndexMetrics } from './metrics.ts';
import { canonicalRecord, entityTag, isExpired, signClaim, verifyRecord } from './name-record.ts';
import type { RecordSigner } from './name-record.ts';
import type { NameOutcome, NameStore } from './name.store.ts';

export interface NameServiceOptions {
  readonly store: NameStore;
  readonly key: RecordSigner;
  readonly metrics: IndexMetrics;
  /** Seconds a record the node signs may be cached. */
  readonly ttlSeconds: number;
  /** How long a record the node signs is valid, ms. */
  readonly validityMs: number;
  /** Past records kept per name. */
  readonly historyMax: number;
  /** Wall clock, ms since the epoch. */
  readonly now?: () => number;
}

/** Rounds of a publication the node signs itself, each lost to another writer, before it gives up. */
const SIGN_ROUNDS = 8;

interface Preconditions {
  readonly mustBeNew: boolean;
  readonly ifMatch: ReturnType<typeof parseIfMatch> | undefined;
  readonly expected: string | null | undefined;
}

/** Names: who owns one, what it points to, and that its sequence only grows. */
export class NameService {
  readonly #options: NameServiceOptions;
  readonly #now: () => number;
  /** The last publication the node signs per name: they take turns, or all but one of a crowd would lose its round. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: NameServiceOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** @throws ServiceError `not_found` (reason `expired` when the record has run out), `integrity`. */
  async resolve(name: string): Promise<NameReply> {
    const { store, metrics } = this.#options;
    const started = performance.now();
    let result: 'found' | 'not_found' | 'failed' = 'failed';
    try {
      const stored = await store.get(name);
      if (stored === undefined) {
        result = 'not_found';
        throw new ServiceError('not_found', 'The name has no record.');
      }
      if (entityTag(stored.body) !== stored.etag) {
        metrics.integrityFail.inc();
        throw new ServiceError('integrity', 'The stored record is damaged.', { reason: 'name_record' });
      }
      // The tag vouches for the text, and the text was a NameRecord when it was stored.
      const record = JSON.parse(stored.body) as NameRecord;
      if (isExpired(record.record, this.#now())) {
        result = 'not_found';
        throw new ServiceError('not_found', 'The record of the name has expired.', { reason: 'expired' });
      }
      result = 'found';
      return { record, etag: stored.etag, created: false };
    } finally {
      metrics.resolveLatency.observe((performance.now() - started) / 1000, { result });
    }
  }

  /**
   * Publishes a signed record, or, given only a target, lets the node sign one with the next sequence.
   * @throws ServiceError `bad_request`, `bad_signature`, `not_owner`, `stale_seq`, `precondition_failed`, `busy`.
   */
  async publish(request: NamePutRequest): Promise<NameReply> {
    const { names } = this.#options.metrics;
    try {
      const { body } = request;
      const { reply, outcome } =
        'target' in body ? await this.#inTurn(request, body.target) : await this.#publishSigned(request, body);
      names.inc({ result: outcome });
      return reply;
    } catch (error) {
      names.inc({ result: refusedAs(error) });
      throw error;
    }
  }

  async #publishSigned(request: NamePutRequest, body: NameRecord) {
    if (body.record.name !== request.name) {
      throw new ServiceError('bad_request', 'The record is for another name.', { reason: 'name_mismatch' });
    }
    verifyRecord(body);
    if (isExpired(body.record, this.#now())) {
      throw new ServiceError('bad_request', 'The record has expired.', { reason: 'expired' });
    }
    const { outcome, reply } = await this.#write(body, { ...preconditions(request), expected: undefined });
    if (outcome === 'raced') throw new Error('a write that expected nothing lost a race');
    return { outcome, reply };
  }

  async #inTurn(request: NamePutRequest, target: string) {
    const before = this.#turns.get(request.name);
    const turn = (before ?? Promise.resolve()).then(() => this.#publishTarget(request, target));
    const settled = turn.catch(() => undefined);
    this.#turns.set(request.name, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(request.name) === settled) this.#turns.delete(request.name);
    }
  }

  async #publishTarget(request: NamePutRequest, target: string) {
    const { store, key, ttlSeconds, validityMs } = this.#options;
    const conditions = preconditions(request);
    for (let round = 0; round < SIGN_ROUNDS; round += 1) {
      const current = await store.get(request.name);
      const claim: NameClaim = {
        v: 1,
        name: request.name,
        seq: (current?.seq ?? 0) + 1,
        target,
        ttl_s: ttlSeconds,
        owner: key.publicKeyHex,
        not_after: new Date(this.#now() + validityMs).toISOString(),
      };
      const expected = current?.etag ?? null;
      const { outcome, reply } = await this.#write(signClaim(claim, key), { ...conditions, expected });
      if (outcome !== 'raced') return { outcome, reply };
    }
    throw new ServiceError('busy', 'Others keep writing this name.', {
      reason: 'name_contention',
      retryAfterMs: 1_000,
    });
  }

  async #write(record: NameRecord, conditions: Preconditions) {
    const { name, seq, owner } = record.record;
    const body = canonicalRecord(record);
    const etag = entityTag(body);
    const { store, historyMax } = this.#options;
    const written = await store.put({ name, seq, owner, body, etag, ...conditions, storedAt: this.#now(), historyMax });
    const outcome = accepted(written);
    return { outcome, reply: { record, etag, created: outcome === 'created' } satisfies NameReply };
  }
}

function preconditions(request: NamePutRequest): Omit<Preconditions, 'expected'> {
  const ifMatch = request.if_match === undefined ? undefined : parseIfMatch(request.if_match);
  return { mustBeNew: request.must_be_new, ifMatch };
}

function accepted(written: NameOutcome) {
  switch (written.outcome) {
    case 'not_owner':
      throw new ServiceError('not_owner');
    case 'precondition_failed':
      throw new ServiceError('precondition_failed');
    case 'stale_seq':
      throw new ServiceError('stale_seq', undefined, { details: { current_seq: written.current } });
    default:
      return written.outcome;
  }
}

const COUNTED = ['bad_signature', 'bad_request', 'not_owner', 'stale_seq', 'precondition_failed'] as const;

function refusedAs(error: unknown): (typeof COUNTED)[number] | 'failed' {
  const code = error instanceof ServiceError ? error.code : undefined;
  return COUNTED.find((counted) => counted === code) ?? 'failed';
}
