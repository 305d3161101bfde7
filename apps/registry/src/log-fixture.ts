import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '@macronode/content';
import type { Descriptor, RegistryGenesis, RegistryPayload } from '@macronode/contracts';
import { type Algorithm, generateKey, NodeKey, type SigningKey } from '@macronode/keys';
import { approvalSubject, approve, canonicalPayload, reasonSubject, signerOf, signRequest } from '@macronode/log';
import { MetricsRegistry } from '@macronode/metrics';
import { createLogger } from '@macronode/service';
import { AuditTrail } from './audit-trail.ts';
import { Checkpointer } from './checkpointer.ts';
import { type Clock, systemClock } from './clock.ts';
import { CommitSection } from './commit-section.ts';
import { FileHeadLock, MemoryHeadLock } from './head-lock.ts';
import { signersText } from './kept-genesis.ts';
import { type FaultPoint, LogService } from './log.service.ts';
import { registryMetrics } from './metrics.ts';
import { Proposals } from './proposals.ts';
import { RequestJudge } from './request-judge.ts';
import { SqliteLogStore } from './sqlite-log.store.ts';
import { WriteService } from './write.service.ts';

export const LOG = 'registry.example/main';

/** A signer that can sign: what a person keeps in a key file. */
export class TestSigner {
  readonly id: string;
  readonly key: SigningKey;

  constructor(id: string, algorithm: Algorithm = 'ed25519', key: SigningKey = generateKey(algorithm)) {
    this.id = id;
    this.key = key;
  }

  member(log = LOG) {
    return signerOf(this.key, log, this.id);
  }
}

export const signers = (count: number, algorithm: Algorithm = 'ed25519'): TestSigner[] =>
  Array.from({ length: count }, (_, at) => new TestSigner(`org:test#key${at + 1}`, algorithm));

export interface TestLogOptions {
  readonly members: readonly TestSigner[];
  readonly m: number;
  readonly kPq?: number;
  /** A folder; in memory without one. */
  readonly dataDir?: string;
  readonly clock?: Clock;
  readonly faultPoint?: FaultPoint;
  readonly ratePerSecond?: number;
}

export const dataFolder = (): string => mkdtempSync(join(tmpdir(), 'registry-'));

export const genesisOf = (members: readonly TestSigner[], m: number, kPq = 0): RegistryGenesis => ({
  log: LOG,
  m,
  k_pq: kPq,
  signers: members.map((member) => member.member()),
});

/** The write plane of one log, opened as the module does, with everything a test may ask. */
export class TestLog implements AsyncDisposable {
  readonly log: LogService;
  readonly writes: WriteService;
  readonly proposals: Proposals;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  readonly audit: AuditTrail;
  /** Of whoever listens and threw. */
  readonly listenerErrors: readonly unknown[];
  readonly #close: () => Promise<void>;

  private constructor(
    fields: Pick<TestLog, 'log' | 'writes' | 'proposals' | 'metrics' | 'clock' | 'audit' | 'listenerErrors'>,
    close: () => Promise<void>,
  ) {
    this.log = fields.log;
    this.writes = fields.writes;
    this.proposals = fields.proposals;
    this.metrics = fields.metrics;
    this.clock = fields.clock;
    this.audit = fields.audit;
    this.listenerErrors = fields.listenerErrors;
    this.#close = close;
  }

  static async open(options: TestLogOptions): Promise<TestLog> {
    const { members, m, kPq = 0, dataDir, clock = systemClock, ratePerSecond = 1_000, faultPoint } = options;
    const metrics = new MetricsRegistry();
    const scope = metrics.scope({ service: 'registry' });
    const bound = scope.bind(registryMetrics);
    const location = dataDir === undefined ? 'memory' : { file: join(dataDir, 'registry.db') };
    const store = await SqliteLogStore.open({ location, metrics: scope });
    const lock = dataDir === undefined ? new MemoryHeadLock() : await FileHeadLock.open(join(dataDir, 'lock'));
    const audit = new AuditTrail({ store, clock, writerId: 'test', metrics: bound, log: createLogger('silent', {}) });
    const genesis = genesisOf(members, m, kPq);
    if (members.length > 0) {
      await store.identify({
        log: LOG,
        genesis: { text: canonicalJson(genesis), signers: signersText(genesis) },
        audit: audit.fact({ kind: 'genesis', actor: null, subject: null }),
      });
    }
    const keyOf = (name: string): NodeKey =>
      dataDir === undefined ? NodeKey.ephemeral() : NodeKey.loadOrCreate(join(dataDir, name));
    const keys = { logKey: keyOf('log.key'), cosignerKey: keyOf('cosigner.key') };
    const checkpointer = new Checkpointer({ log: LOG, ...keys, clock, metrics: bound });
    const listenerErrors: unknown[] = [];
    const log = await LogService.open({
      store,
      lock,
      checkpointer,
      metrics: bound,
      replica: false,
      onListenerError: (error) => listenerErrors.push(error),
      ...(faultPoint === undefined ? {} : { faultPoint }),
    });
    const proposals = new Proposals(log, bound);
    const section = new CommitSection({ log, proposals, audit, clock, metrics: bound });
    const rates = { proposePerSecond: ratePerSecond, approvePerSecond: ratePerSecond, quotas: true };
    const nonceUsed = (nonce: string): boolean => store.nonceUsed(nonce);
    const judge = new RequestJudge({ clock, nonceUsed, ...rates });
    const writes = new WriteService({
      log,
      proposals,
      judge,
      section,
      audit,
      clock,
      metrics: bound,
      isSound: () => true,
    });
    return new TestLog({ log, writes, proposals, metrics, clock, audit, listenerErrors }, async () => {
      await store.close();
      await lock.close();
    });
  }

  /** The value of one series of the metrics; NaN when there is none. */
  async value(name: string, label = ''): Promise<number> {
    const lines = (await this.metrics.render()).split('\n');
    const found = lines.find((line) => /^\w+/.exec(line)?.[0] === name && line.includes(label));
    return Number(found?.split(' ').at(-1));
  }

  /** A payload that continues the log as it stands. */
  next(items: readonly Descriptor[] = [{ id: 'node-1', kind: 'node' }], ttlMs = 60_000): RegistryPayload {
    return { ...this.bound(ttlMs), kind: 'set', items: [...items] };
  }

  /** What every payload binds. */
  bound(ttlMs = 60_000) {
    const { head, signerSet } = this.log;
    return {
      schema_version: '1.0.0' as const,
      log: LOG,
      version: head.version + 1,
      prev_hash: head.entry_b3,
      signer_set_version: signerSet?.version ?? 0,
      expires_at: new Date(this.clock.wallMs() + ttlMs).toISOString(),
    };
  }

  auth(signer: TestSigner, action: 'propose' | 'approve' | 'commit' | 'freeze' | 'thaw', subject: string) {
    return signRequest(signer.key, signer.id, { action, log: LOG, subject }, new Date(this.clock.wallMs()));
  }

  async propose(payload: RegistryPayload, by: TestSigner): Promise<string> {
    const { hash } = canonicalPayload(payload);
    const { proposal } = await this.writes.propose({ payload, payload_b3: hash, auth: this.auth(by, 'propose', hash) });
    return proposal.proposal_id;
  }

  approve(proposalId: string, by: TestSigner, relay: TestSigner = by) {
    const approval = approve(by.key, by.id, proposalId, new Date(this.clock.wallMs()));
    const auth = this.auth(relay, 'approve', approvalSubject(proposalId, approval));
    return this.writes.approve(proposalId, { approval, auth });
  }

  commit(proposalId: string, by: TestSigner) {
    return this.writes.commit(proposalId, { auth: this.auth(by, 'commit', proposalId) });
  }

  freeze(frozen: boolean, by: TestSigner, reason = 'drill') {
    return this.writes.freeze(frozen, {
      reason,
      auth: this.auth(by, frozen ? 'freeze' : 'thaw', reasonSubject(reason)),
    });
  }

  /** A whole round: proposed by the first, approved by all of them, committed by the last. */
  async round(by: readonly TestSigner[], payload: RegistryPayload = this.next()) {
    const [first] = by;
    if (first === undefined) throw new Error('a round needs a signer');
    const id = await this.propose(payload, first);
    for (const signer of by) await this.approve(id, signer);
    return this.commit(id, by.at(-1) ?? first);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}
