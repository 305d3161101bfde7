import {
  type Descriptor,
  RegistryCommitted,
  RegistryHead,
  type RegistryPayload,
  RegistrySigners,
} from '@macronode/contracts';
import { approvalSubject, approve, canonicalPayload, reasonSubject, signRequest } from '@macronode/log';
import { LOG, type TestSigner } from './log-fixture.ts';

type Place = Pick<
  RegistryPayload,
  'schema_version' | 'log' | 'version' | 'prev_hash' | 'signer_set_version' | 'expires_at'
>;

/** A client of the registry over HTTP that signs for real. */
export class RegistryDriver {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async head(): Promise<RegistryHead> {
    return RegistryHead.parse(await (await fetch(`${this.url}/registry/head`)).json());
  }

  /** What every payload says that continues the log as it stands. */
  async place(): Promise<Place> {
    const [head, set] = await Promise.all([this.head(), fetch(`${this.url}/registry/signers`)]);
    return {
      schema_version: '1.0.0',
      log: LOG,
      version: head.version + 1,
      prev_hash: head.entry_b3,
      signer_set_version: RegistrySigners.parse(await set.json()).version,
      expires_at: new Date(Date.now() + 60_000).toISOString(),
    };
  }

  async next(items: readonly Descriptor[] = [{ id: 'node-1', kind: 'node' }]): Promise<RegistryPayload> {
    return { ...(await this.place()), kind: 'set', items: [...items] };
  }

  #post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      signal: signal ?? null,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  #auth(by: TestSigner, action: 'propose' | 'approve' | 'commit' | 'freeze' | 'thaw', subject: string) {
    return signRequest(by.key, by.id, { action, log: LOG, subject }, new Date());
  }

  propose(payload: RegistryPayload, by: TestSigner, signal?: AbortSignal): Promise<Response> {
    const { hash } = canonicalPayload(payload);
    return this.#post(
      '/registry/proposals',
      { payload, payload_b3: hash, auth: this.#auth(by, 'propose', hash) },
      signal,
    );
  }

  approve(id: string, by: TestSigner): Promise<Response> {
    const approval = approve(by.key, by.id, id, new Date());
    const auth = this.#auth(by, 'approve', approvalSubject(id, approval));
    return this.#post(`/registry/approvals/${id}`, { approval, auth });
  }

  commit(id: string, by: TestSigner): Promise<Response> {
    return this.#post(`/registry/commit/${id}`, { auth: this.#auth(by, 'commit', id) });
  }

  freeze(frozen: boolean, by: TestSigner | undefined, reason = 'drill'): Promise<Response> {
    if (by === undefined) throw new Error('a freeze needs a signer');
    const auth = this.#auth(by, frozen ? 'freeze' : 'thaw', reasonSubject(reason));
    return this.#post(`/registry/${frozen ? 'freeze' : 'thaw'}`, { reason, auth });
  }

  /** A whole round by these signers. */
  async round(by: readonly (TestSigner | undefined)[], items?: readonly Descriptor[]): Promise<RegistryCommitted> {
    return this.settle(
      await this.next(items),
      by.flatMap((signer) => signer ?? []),
    );
  }

  /** Proposes a payload, has it approved by these signers, the first of them speaks, and commits it. */
  async settle(payload: RegistryPayload, signers: readonly TestSigner[]): Promise<RegistryCommitted> {
    const [first] = signers;
    if (first === undefined) throw new Error('a round needs a signer');
    const { hash } = canonicalPayload(payload);
    await this.propose(payload, first);
    for (const signer of signers) await this.approve(hash, signer);
    return RegistryCommitted.parse(await (await this.commit(hash, first)).json());
  }
}
