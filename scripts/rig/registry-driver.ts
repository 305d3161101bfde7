// The governance of a log over HTTP: what signers and their tools do, step by step or a whole round at once.
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Descriptor,
  ErrorEnvelope,
  REGISTRY_SCHEMA_VERSION,
  RegistryCommitted,
  RegistryEntry,
  RegistryHead,
  type RegistryPayload,
  RegistryProposal,
  RegistryProposalList,
  RegistrySigners,
  type Route,
  ROUTES,
} from '@macronode/contracts';
import { approvalSubject, approve, canonicalPayload, reasonSubject, signRequest } from '@macronode/log';
import { type Answer, Client, type ClientOptions } from './client.ts';
import { Ledger } from './ledger.ts';
import type { HeldSigner, SignerGroup } from './registry-signers.ts';

/** How long a proposal of the rig may stay open. */
const PROPOSAL_MS = 3_600_000;
/** Others commit between a look at the head and a proposal; so many times it looks again. */
const RACES_MAX = 20;
const CREATED: readonly number[] = [200, 201, 202];

/** What a proposal says beside the place in the log it is for. */
type Omitted<P> = P extends unknown
  ? Omit<P, 'schema_version' | 'log' | 'version' | 'prev_hash' | 'signer_set_version' | 'expires_at'>
  : never;
export type Change = Omitted<RegistryPayload>;

export type Step = 'head' | 'signers' | 'open' | 'propose' | 'approve' | 'commit' | 'freeze' | 'thaw' | 'entry';

/** What an answer says went wrong; undefined when it is not in our words: who stands before a node has its own. */
function refusalOf(body: Buffer): ErrorEnvelope['error'] | undefined {
  try {
    return ErrorEnvelope.safeParse(JSON.parse(body.toString())).data?.error;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The log did not do what was asked: a status with its code (`none` when it came without), or no answer at all (status 0). */
export class RegistryRefused extends Error {
  override readonly name = 'RegistryRefused';
  readonly step: Step;
  readonly status: number;
  readonly code: string;
  readonly reason: string | undefined;
  /** The header as it came; empty when there was none. */
  readonly retryAfter: string;
  /** False when the body broke off. */
  readonly isWhole: boolean;

  constructor(step: Step, { status, body, retryAfter, isWhole }: Answer) {
    const error = status >= 400 && isWhole ? refusalOf(body) : undefined;
    super(`${step} answered ${status} ${error?.code ?? ''} ${error?.message ?? ''}`.trimEnd());
    this.step = step;
    this.status = status;
    this.code = error?.code ?? 'none';
    this.reason = error?.reason;
    this.retryAfter = retryAfter;
    this.isWhole = isWhole;
  }
}

/** A whole round: what was committed, and how long each step took, in ms. */
export interface Round {
  readonly committed: RegistryCommitted;
  readonly ms: { readonly propose: number; readonly approve: readonly number[]; readonly commit: number };
}

export interface DriverOptions extends ClientOptions {
  /** Where answers are counted; one of its own by default. */
  readonly ledger?: Ledger;
}

/** Speaks for a group of signers, to a gateway or to the registry's own port. */
export class RegistryDriver implements Disposable {
  readonly client: Client;
  /** The set in force: another one after a rotation. */
  group: SignerGroup;
  #setVersion: number | undefined;
  #head: RegistryHead | undefined;
  #round = 0;

  constructor(url: string, group: SignerGroup, { ledger = new Ledger(), ...options }: DriverOptions = {}) {
    this.client = new Client(url, ledger, options);
    this.group = group;
  }

  [Symbol.dispose](): void {
    this.client.close();
  }

  async head(): Promise<RegistryHead> {
    return RegistryHead.parse(await this.#get('head', ROUTES.registryHead));
  }

  async signers(): Promise<RegistrySigners> {
    return RegistrySigners.parse(await this.#get('signers', ROUTES.registrySigners));
  }

  /** Proposals that are open. */
  async open(): Promise<readonly RegistryProposal[]> {
    return RegistryProposalList.parse(await this.#get('open', ROUTES.registryProposals)).proposals;
  }

  async entry(version: number): Promise<RegistryEntry> {
    return RegistryEntry.parse(await this.#get('entry', ROUTES.registryEntry, String(version)));
  }

  /** What it knows of the log may be true no more: the next payload begins with a look at it. */
  forget(): void {
    this.#head = undefined;
    this.#setVersion = undefined;
  }

  /** The payload that continues the log as it stands; it reads the head when it does not know it. */
  async payload(change: Change): Promise<RegistryPayload> {
    // Others may make it forget meanwhile.
    const setVersion = (this.#setVersion ??= (await this.signers()).version);
    const head = (this.#head ??= await this.head());
    return {
      schema_version: REGISTRY_SCHEMA_VERSION,
      log: this.group.log,
      version: head.version + 1,
      prev_hash: head.entry_b3,
      signer_set_version: setVersion,
      expires_at: new Date(Date.now() + PROPOSAL_MS).toISOString(),
      ...change,
    };
  }

  async propose(payload: RegistryPayload, by: HeldSigner): Promise<RegistryProposal> {
    const { hash } = canonicalPayload(payload);
    const auth = this.#sign(by, 'propose', hash);
    const answer = await this.#post('propose', ROUTES.registryPropose, { payload, payload_b3: hash, auth });
    return RegistryProposal.parse(answer);
  }

  /** `sentBy` brings the approval of a signer who is not in force yet. */
  async approve(proposalId: string, by: HeldSigner, sentBy: HeldSigner = by): Promise<RegistryProposal> {
    const approval = approve(by.key, by.id, proposalId, new Date());
    const auth = this.#sign(sentBy, 'approve', approvalSubject(proposalId, approval));
    return RegistryProposal.parse(await this.#post('approve', ROUTES.registryApprove, { approval, auth }, proposalId));
  }

  async commit(proposalId: string, by: HeldSigner): Promise<RegistryCommitted> {
    const auth = this.#sign(by, 'commit', proposalId);
    const answer = await this.#post('commit', ROUTES.registryCommit, { auth }, proposalId);
    const committed = RegistryCommitted.parse(answer);
    const { version } = committed;
    if (version > (this.#head?.version ?? 0)) this.#head = { ...committed, checkpoint_size: version };
    return committed;
  }

  /** Has a proposal that is open approved by a quorum, and commits it: all others that are open end with that. */
  async settle(proposalId: string): Promise<RegistryCommitted> {
    const quorum = this.group.quorum((this.#round += 1));
    const [speaker] = quorum;
    if (speaker === undefined) throw new Error('a group without signers');
    await Promise.all(quorum.map((one) => this.approve(proposalId, one)));
    return this.commit(proposalId, speaker);
  }

  freeze(reason: string, by: HeldSigner = this.#any()): Promise<RegistrySigners> {
    return this.#operate('freeze', ROUTES.registryFreeze, reason, by);
  }

  thaw(reason: string, by: HeldSigner = this.#any()): Promise<RegistrySigners> {
    return this.#operate('thaw', ROUTES.registryThaw, reason, by);
  }

  /** A round for new descriptors. */
  commitNext(items: readonly Descriptor[]): Promise<Round> {
    return this.round({ kind: 'set', items: [...items] });
  }

  /** Another set from here on: with the quorum of this one and its own. */
  async rotate(next: SignerGroup): Promise<Round> {
    const { m, kPq: k_pq, signers } = next;
    const round = await this.round({ kind: 'signers', m, k_pq, signers: [...signers] }, next);
    this.group = next;
    this.#setVersion = round.committed.version;
    return round;
  }

  /** Proposes, approves as often as it takes, commits. Looks at the head again when others were quicker. */
  async round(change: Change, incoming?: SignerGroup): Promise<Round> {
    for (let races = 0; ; races += 1) {
      try {
        return await this.#once(change, incoming);
      } catch (error) {
        this.forget();
        if (!(error instanceof RegistryRefused) || error.code !== 'chain_mismatch' || races >= RACES_MAX) throw error;
        await delay(races);
      }
    }
  }

  async #once(change: Change, incoming: SignerGroup | undefined): Promise<Round> {
    this.#round += 1;
    const payload = await this.payload(change);
    const quorum = this.group.quorum(this.#round);
    const [speaker] = quorum;
    if (speaker === undefined) throw new Error('a group without signers');
    const [proposal, propose] = await timed(() => this.propose(payload, speaker));
    const { proposal_id: id } = proposal;
    const known = new Set(quorum.map((one) => one.id));
    const newcomers = (incoming?.quorum(this.#round) ?? []).filter((one) => !known.has(one.id));
    const approvals = await Promise.all([
      ...quorum.map((one) => timed(() => this.approve(id, one))),
      ...newcomers.map((one) =>
        timed(() => this.approve(id, one, this.group.member(one.id) === undefined ? speaker : one)),
      ),
    ]);
    const [committed, commit] = await timed(() => this.commit(id, speaker));
    return { committed, ms: { propose, approve: approvals.map(([, ms]) => ms), commit } };
  }

  /** Others each time, so that nobody asks more often than a signer may. */
  #any(): HeldSigner {
    const [one] = this.group.quorum((this.#round += 1));
    if (one === undefined) throw new Error('a group without signers');
    return one;
  }

  #sign(by: HeldSigner, action: 'propose' | 'approve' | 'commit' | 'freeze' | 'thaw', subject: string) {
    return signRequest(by.key, by.id, { action, log: this.group.log, subject }, new Date());
  }

  async #operate(step: 'freeze' | 'thaw', route: Route, reason: string, by: HeldSigner): Promise<RegistrySigners> {
    const auth = this.#sign(by, step, reasonSubject(reason));
    return RegistrySigners.parse(await this.#post(step, route, { reason, auth }));
  }

  async #get(step: Step, route: Route, at?: string): Promise<unknown> {
    const answer = await this.client.ask(route, at === undefined ? {} : { at });
    if (answer.status !== 200 || !answer.isWhole) throw new RegistryRefused(step, answer);
    return JSON.parse(answer.body.toString());
  }

  async #post(step: Step, route: Route, value: unknown, at?: string): Promise<unknown> {
    const answer = await this.client.json(route, value, at);
    if (!CREATED.includes(answer.status)) throw new RegistryRefused(step, answer);
    return JSON.parse(answer.body.toString());
  }
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [result: T, ms: number]> {
  const startedAt = performance.now();
  const result = await work();
  return [result, performance.now() - startedAt];
}

/** One descriptor by a name, in JSON about as long as asked: a name nobody has used makes a change nobody has proposed. */
export function descriptors(label: string, bytes: number): readonly Descriptor[] {
  const empty = { id: label, kind: 'node', addr: `https://${label}.example:443/` };
  const room = bytes - JSON.stringify(empty).length - '"attrs":{"pad":""},'.length;
  return [room > 0 ? { ...empty, attrs: { pad: 'x'.repeat(room) } } : empty];
}
