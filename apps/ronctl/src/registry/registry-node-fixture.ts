import {
  RegistryApproveRequest,
  type RegistryApproval,
  RegistryCommitRequest,
  RegistryOperatorRequest,
  type RegistryPayload,
  type RegistryProposal,
  RegistryProposeRequest,
  type RegistryAuth,
} from '@macronode/contracts';
import {
  approvalSubject,
  canonicalPayload,
  incomingSet,
  quorumOf,
  reasonSubject,
  type SignerSet,
  signerIn,
  verifyApproval,
  verifyRequest,
} from '@macronode/log';
import { type BuiltLog, LOG } from './built-log-fixture.ts';
import { type Answered, ServedLog } from './served-log-fixture.ts';

interface Pending {
  readonly payload: RegistryPayload;
  readonly proposedBy: string;
  readonly approvals: RegistryApproval[];
}

const answered = (status: number, value: unknown): Answered => ({
  status,
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json' },
});

export const refused = (status: number, code: string): Answered =>
  answered(status, { error: { code, message: `refused: ${code}`, retryable: false, corr_id: 'c-1' } });

/** A registry in miniature: takes what is signed by a signer in force, and keeps it in a built log. */
export class RegistryNode {
  readonly served: ServedLog;
  readonly pending = new Map<string, Pending>();
  readonly nonces = new Set<string>();
  state = 'open';

  private constructor(served: ServedLog) {
    this.served = served;
    served.post = (path, body) => this.#post(path, JSON.parse(String(body)));
    const answer = served.answer.bind(served);
    served.answer = (path) => this.#get(path) ?? answer(path);
  }

  static async open(log: BuiltLog): Promise<RegistryNode> {
    return new RegistryNode(await ServedLog.open(log));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.served[Symbol.asyncDispose]();
  }

  get #set(): SignerSet {
    return this.served.log.signers as unknown as SignerSet;
  }

  #get(path: string): Answered | undefined {
    if (path === '/registry/signers') return answered(200, { ...this.served.log.signers, state: this.state });
    if (path === '/registry/proposals') {
      return answered(200, { proposals: [...this.pending.keys()].map((id) => this.#shown(id)) });
    }
    const id = /^\/registry\/proposals\/(.+)$/.exec(path)?.[1];
    const pending = id === undefined ? undefined : this.pending.get(id);
    if (id === undefined || pending === undefined) return undefined;
    return answered(200, { ...this.#shown(id), payload: pending.payload });
  }

  #post(path: string, body: unknown): Answered {
    const [, verb = '', id = ''] = /^\/registry\/([a-z]+)\/?(.*)$/.exec(path) ?? [];
    switch (verb) {
      case 'proposals':
        return this.#propose(RegistryProposeRequest.parse(body));
      case 'approvals':
        return this.#approve(id, RegistryApproveRequest.parse(body));
      case 'commit':
        return this.#commit(id, RegistryCommitRequest.parse(body));
      case 'freeze':
      case 'thaw': {
        const { reason, auth } = RegistryOperatorRequest.parse(body);
        const problem = this.#admit(verb, reasonSubject(reason), auth);
        if (problem !== undefined) return problem;
        this.state = verb === 'freeze' ? 'frozen' : 'open';
        return answered(200, { ...this.served.log.signers, state: this.state });
      }
      default:
        return refused(404, 'not_found');
    }
  }

  #admit(
    action: 'propose' | 'approve' | 'commit' | 'freeze' | 'thaw',
    subject: string,
    auth: RegistryAuth,
  ): Answered | undefined {
    const signer = signerIn(this.#set, auth.signer_id);
    if (signer === undefined) return refused(403, 'unknown_signer');
    if (!verifyRequest(signer, { action, log: LOG, subject }, auth)) return refused(422, 'bad_signature');
    if (this.nonces.has(auth.nonce)) return refused(409, 'replayed');
    this.nonces.add(auth.nonce);
    return undefined;
  }

  #propose({ payload, auth }: RegistryProposeRequest): Answered {
    const { hash } = canonicalPayload(payload);
    const problem = this.#admit('propose', hash, auth);
    if (problem !== undefined) return problem;
    const known = this.pending.has(hash);
    if (!known) this.pending.set(hash, { payload, proposedBy: auth.signer_id, approvals: [] });
    return answered(known ? 200 : 202, this.#shown(hash));
  }

  #approve(id: string, { approval, auth }: RegistryApproveRequest): Answered {
    const problem = this.#admit('approve', approvalSubject(id, approval), auth);
    if (problem !== undefined) return problem;
    const { payload, approvals } = this.#pendingOf(id);
    const signers = [...this.#set.signers, ...(incomingSet(payload)?.signers ?? [])];
    const signer = signerIn({ signers }, approval.signer_id);
    if (signer === undefined || !verifyApproval(signer, id, approval)) return refused(422, 'bad_signature');
    const known = approvals.find(({ signer_id }) => signer_id === approval.signer_id);
    if (known === undefined) approvals.push(approval);
    else if (known.sig !== approval.sig) return refused(409, 'signer_conflict');
    return answered(200, this.#shown(id));
  }

  #commit(id: string, { auth }: RegistryCommitRequest): Answered {
    const problem = this.#admit('commit', id, auth);
    if (problem !== undefined) return problem;
    const { log } = this.served;
    const { payload, approvals } = this.#pendingOf(id);
    if (!this.#shown(id).quorum.met) return refused(409, 'quorum_failed');
    const before = log.entries.findIndex(({ line }) => line.includes(id)) + 1;
    if (before === 0)
      log.add(payload, [], {
        approvals: () => approvals.toSorted((a, b) => (a.signer_id < b.signer_id ? -1 : 1)),
      });
    const { version, entry_b3, committed_at } = log.headShown;
    return answered(before === 0 ? 201 : 200, { version, payload_b3: id, entry_b3, committed_at });
  }

  #pendingOf(id: string): Pending {
    const pending = this.pending.get(id);
    if (pending === undefined) throw new Error(`nothing is proposed as ${id}`);
    return pending;
  }

  #shown(id: string): RegistryProposal {
    const { payload, proposedBy, approvals } = this.#pendingOf(id);
    return {
      proposal_id: id,
      version: payload.version,
      kind: payload.kind,
      state: 'open',
      expires_at: payload.expires_at,
      proposed_by: proposedBy,
      approvals: approvals.map(({ sig: _sig, ...rest }) => rest),
      quorum: quorumOf(this.#set, incomingSet(payload), approvals, (signer, approval) =>
        verifyApproval(signer, id, approval),
      ),
    };
  }
}
