import { ROUTES } from '../../packages/contracts/src/routes.ts';
import { canonical } from './canonical.ts';
import { type Answer, jsonOf, type LogSigner, type LogSigners, sendJson, type User } from './user.ts';

/** What is signed begins with one of these, which are those of packages/contracts. */
export const APPROVAL_DOMAIN = 'ron:registry:approve:v1\n';
export const REQUEST_DOMAIN = 'ron:registry:request:v1\n';
export const SCHEMA_VERSION = '1.0.0';

const PROPOSAL_MS = 3_600_000;
const REQUEST_MS = 60_000;
/** Somebody else was quicker: the log went on, and the proposal with it. */
const OUTRUN = 409;

export interface Head {
  readonly version: number;
  readonly entry_b3: string | null;
}

/** What a round came to: undefined when another was quicker. */
export interface Committed {
  readonly version: number;
  readonly payload_b3: string;
  readonly prev_hash: string | null;
}

const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

/** The signers of a log at work: proposals, approvals and commits, signed with their keys. */
export class GovernedLog {
  readonly #user: User;
  readonly #signers: LogSigners;

  constructor(user: User, signers: LogSigners) {
    this.#user = user;
    this.#signers = signers;
  }

  /** Proposes what comes after the head, has it approved by as many as it takes, and commits it. */
  async round(head: Head, setVersion: number): Promise<Committed | undefined> {
    const payload = this.#payload(head, setVersion);
    const hash = this.#signers.hash(canonical(payload));
    const quorum = this.#quorum();
    const [speaker] = quorum;
    if (speaker === undefined) throw new Error('a log without signers');
    const proposed = await this.#post(ROUTES.registryPropose, '', {
      payload,
      payload_b3: hash,
      auth: await this.#auth(speaker, 'propose', hash),
    });
    if (proposed.status === OUTRUN) return undefined;
    const { proposal_id: id } = (jsonOf(proposed) ?? {}) as { proposal_id?: string };
    this.#user.check('propose', { 'the id is the hash of the payload': id === hash });
    for (const signer of quorum) if ((await this.#approve(signer, hash)).status === OUTRUN) return undefined;
    const auth = await this.#auth(speaker, 'commit', hash);
    const answer = await this.#post(ROUTES.registryCommit, hash, { auth });
    if (answer.status === OUTRUN) return undefined;
    const committed = (jsonOf(answer) ?? {}) as { version?: number; payload_b3?: string };
    this.#user.check('commit', {
      'the version is the next one': committed.version === payload.version,
      'the payload is the one that was approved': committed.payload_b3 === hash,
    });
    return { version: payload.version, payload_b3: hash, prev_hash: head.entry_b3 };
  }

  #payload(head: Head, setVersion: number) {
    const { run, number } = this.#user;
    const id = `load-${run}-${number}-${this.#user.next()}`;
    return {
      ...{ schema_version: SCHEMA_VERSION, log: this.#signers.log, version: head.version + 1 },
      ...{ prev_hash: head.entry_b3, signer_set_version: setVersion, expires_at: inMs(PROPOSAL_MS) },
      ...{ kind: 'set', items: [{ id, kind: 'node', addr: `https://${id}.example:443/` }] },
    };
  }

  /** Others each time, so that no signer asks more often than it may. */
  #quorum(): readonly LogSigner[] {
    const { members, m } = this.#signers;
    const first = Math.floor(this.#user.random() * members.length);
    return [...members.slice(first), ...members.slice(0, first)].slice(0, m);
  }

  async #approve(signer: LogSigner, hash: string): Promise<Answer> {
    const sig = await signer.sign(`${APPROVAL_DOMAIN}${hash}\n`);
    const approval = { signer_id: signer.id, algo: signer.algo, sig, signed_at: inMs(0) };
    const subject = this.#signers.hash(canonical({ proposal_id: hash, approval }));
    const auth = await this.#auth(signer, 'approve', subject);
    return this.#post(ROUTES.registryApprove, hash, { approval, auth });
  }

  /** The proof that a signer asks for this, and nothing else, now. */
  async #auth(signer: LogSigner, action: string, subject: string) {
    const fields = { signer_id: signer.id, nonce: this.#signers.nonce(), expires_at: inMs(REQUEST_MS) };
    const claim = this.#signers.hash(canonical({ action, log: this.#signers.log, subject, ...fields }));
    return { ...fields, sig: await signer.sign(`${REQUEST_DOMAIN}${claim}\n`) };
  }

  #post(route: (typeof ROUTES)[keyof typeof ROUTES], at: string, value: unknown): Answer | Promise<Answer> {
    return sendJson(this.#user, route, value, { at, expect: [200, 201, 202, OUTRUN] });
  }
}

export async function headOf(user: User): Promise<{ readonly head: Head; readonly tag: string }> {
  const answer = await user.send(ROUTES.registryHead, { expect: [200] });
  const head = jsonOf(answer) as Head | undefined;
  user.check('head', { 'it has a version': typeof head?.version === 'number' });
  return { head: head ?? { version: 0, entry_b3: null }, tag: answer.header('ETag') };
}

/** The version of the signer set in force. */
export async function signerSetVersion(user: User): Promise<number> {
  const signers = jsonOf(await user.send(ROUTES.registrySigners, { expect: [200] })) as
    { version?: number } | undefined;
  return signers?.version ?? 0;
}
