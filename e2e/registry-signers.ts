import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type Descriptor,
  RegistryCommitted,
  RegistryHead,
  type RegistryPayload,
  RegistrySigners,
} from '@macronode/contracts';
import { SigningKey } from '@macronode/keys';
import { approvalSubject, approve, canonicalPayload, signRequest } from '@macronode/log';
import { type Client, client, type Reply } from './client.ts';

/** The file E2E_SIGNERS names: keys of the signer set the registry of this node began with. */
interface SignersFile {
  readonly log: string;
  readonly m: number;
  readonly k_pq: number;
  readonly keys: readonly {
    readonly signer_id: string;
    readonly algo: 'ed25519' | 'ml-dsa-44';
    readonly pkcs8: string;
  }[];
}

export interface E2eSigner {
  readonly id: string;
  readonly key: SigningKey;
  /** What stands in a key file of `ronctl`: both halves as PEM. Secret. */
  readonly pem: string;
}

function readSigners(): Omit<SignersFile, 'keys'> & { readonly signers: readonly E2eSigner[] } {
  const file = process.env['E2E_SIGNERS'];
  if (file === undefined || file === '') throw new Error('E2E_SIGNERS names no keys: start a target with npm run e2e');
  const { keys, ...quorum } = JSON.parse(readFileSync(file, 'utf8')) as SignersFile;
  const signers = keys.map(({ signer_id: id, algo, pkcs8 }) => {
    const key = createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' });
    const secret = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    const pem = secret + createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
    return { id, key: new SigningKey(algo, key), pem };
  });
  return { ...quorum, signers };
}

/** The people of a log: they sign what a test sends. */
export class Governance {
  readonly log: string;
  readonly m: number;
  readonly kPq: number;
  readonly signers: readonly E2eSigner[];
  readonly #client: Client;
  #rounds = 0;

  constructor(to: Client = client) {
    const { log, m, k_pq: kPq, signers } = readSigners();
    this.log = log;
    this.m = m;
    this.kPq = kPq;
    this.signers = signers;
    this.#client = to;
  }

  /**
   * Those who approve a round, with the post-quantum keys among them that it asks for. Others each time, for a signer may
   * ask twice a second; the first proposes and commits.
   */
  quorum(): readonly E2eSigner[] {
    this.#rounds += 1;
    const turned = this.signers.map((_, at) => this.signers[(at + this.#rounds) % this.signers.length] as E2eSigner);
    const postQuantum = turned.filter(({ key }) => key.algorithm === 'ml-dsa-44').slice(0, this.kPq);
    const others = turned.filter((one) => !postQuantum.includes(one));
    return [...postQuantum, ...others].slice(0, this.m);
  }

  async head(): Promise<RegistryHead> {
    return RegistryHead.parse((await this.#client.get('/registry/head')).json());
  }

  async payload(items: readonly Descriptor[]): Promise<RegistryPayload> {
    const head = await this.head();
    const set = RegistrySigners.parse((await this.#client.get('/registry/signers')).json());
    return {
      schema_version: '1.0.0',
      log: this.log,
      version: head.version + 1,
      prev_hash: head.entry_b3,
      signer_set_version: set.version,
      expires_at: new Date(Date.now() + 600_000).toISOString(),
      kind: 'set',
      items: [...items],
    };
  }

  propose(payload: RegistryPayload, by: E2eSigner): Promise<Reply> {
    const target = { action: 'propose', log: payload.log, subject: canonicalPayload(payload).hash } as const;
    const auth = signRequest(by.key, by.id, target, new Date());
    return this.#client.json('POST', '/registry/proposals', { payload, payload_b3: target.subject, auth });
  }

  approve(id: string, by: E2eSigner): Promise<Reply> {
    const approval = approve(by.key, by.id, id, new Date());
    const target = { action: 'approve', log: this.log, subject: approvalSubject(id, approval) } as const;
    const auth = signRequest(by.key, by.id, target, new Date());
    return this.#client.json('POST', `/registry/approvals/${id}`, { approval, auth });
  }

  commit(id: string, by: E2eSigner): Promise<Reply> {
    const auth = signRequest(by.key, by.id, { action: 'commit', log: this.log, subject: id }, new Date());
    return this.#client.json('POST', `/registry/commit/${id}`, { auth });
  }

  /** A whole round for a descriptor nobody has proposed before. */
  async round(): Promise<RegistryCommitted> {
    const quorum = this.quorum();
    const [speaker] = quorum;
    if (speaker === undefined) throw new Error('a log without signers');
    const payload = await this.payload([{ id: `node-${randomBytes(6).toString('hex')}`, kind: 'node' }]);
    const id = canonicalPayload(payload).hash;
    await this.propose(payload, speaker);
    for (const signer of quorum) await this.approve(id, signer);
    return RegistryCommitted.parse((await this.commit(id, speaker)).json());
  }
}
