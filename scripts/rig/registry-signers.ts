import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryGenesis, type Signer } from '@macronode/contracts';
import { type Algorithm, SigningKey } from '@macronode/keys';
import { signerOf } from '@macronode/log';

/** A key of a signer as one process of a load hands it to another. Secret, and good for tests only. */
export interface HandedKey {
  readonly signer_id: string;
  readonly algo: Algorithm;
  /** PKCS #8, base64. */
  readonly pkcs8: string;
}

/** Signers and their keys, as the file `--signers` names. */
export interface SignersFile {
  readonly log: string;
  readonly m: number;
  readonly k_pq: number;
  readonly keys: readonly HandedKey[];
}

/** One who may approve, with the key. */
export interface HeldSigner {
  readonly id: string;
  readonly key: SigningKey;
  readonly signer: Signer;
  readonly handed: HandedKey;
}

export interface SignersWish {
  readonly log?: string;
  /** Signers, and how many of them a commit takes: what the documents measure with, unless told otherwise. */
  readonly n?: number;
  readonly m?: number;
  /** Of the m. */
  readonly kPq?: number;
  /** How many of the n sign with ML-DSA-44, the last ones; at least `kPq` by default. */
  readonly postQuantum?: number;
  /** Tells the members of two sets apart. */
  readonly prefix?: string;
}

export const RIG_LOG = 'registry.example/rig';
/** What the documents measure with; k6 has Ed25519 only. */
const RIGGED = Object.freeze({ n: 7, m: 3 });

function newKey(algo: Algorithm): KeyObject {
  return algo === 'ed25519' ? generateKeyPairSync('ed25519').privateKey : generateKeyPairSync('ml-dsa-44').privateKey;
}

function held(log: string, id: string, algo: Algorithm, privateKey: KeyObject): HeldSigner {
  const key = new SigningKey(algo, privateKey);
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
  return { id, key, signer: signerOf(key, log, id), handed: { signer_id: id, algo, pkcs8 } };
}

/** A signer set with its keys: all of the governance of a log in one hand, which only a test may have. */
export class SignerGroup {
  readonly log: string;
  readonly m: number;
  readonly kPq: number;
  readonly members: readonly HeldSigner[];

  private constructor(log: string, m: number, kPq: number, members: readonly HeldSigner[]) {
    this.log = log;
    this.m = m;
    this.kPq = kPq;
    this.members = members;
  }

  /** Fresh keys, in memory only. */
  static make(wish: SignersWish = {}): SignerGroup {
    const { log = RIG_LOG, n = RIGGED.n, m = RIGGED.m, kPq = 0, postQuantum = kPq, prefix = 'org:rig' } = wish;
    const members = Array.from({ length: n }, (_, at) => {
      const algo = at >= n - postQuantum ? 'ml-dsa-44' : 'ed25519';
      return held(log, `${prefix}#key${at + 1}`, algo, newKey(algo));
    });
    return new SignerGroup(log, m, kPq, members);
  }

  /** The group another process made. */
  static of({ log, m, k_pq: kPq, keys }: SignersFile): SignerGroup {
    const members = keys.map(({ signer_id: id, algo, pkcs8 }) =>
      held(log, id, algo, createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' })),
    );
    return new SignerGroup(log, m, kPq, members);
  }

  static read(file: string): SignerGroup {
    return SignerGroup.of(JSON.parse(readFileSync(file, 'utf8')) as SignersFile);
  }

  /** Some of its members under a quorum of their own. */
  with({ m = this.m, kPq = this.kPq, members = this.members }: Partial<Pick<SignerGroup, 'm' | 'kPq' | 'members'>>) {
    return new SignerGroup(this.log, m, kPq, members);
  }

  get signers(): readonly Signer[] {
    return this.members.map(({ signer }) => signer);
  }

  member(id: string): HeldSigner | undefined {
    return this.members.find((one) => one.id === id);
  }

  /** As many as a commit needs, others each round, with the post-quantum ones among them it asks for. */
  quorum(round: number): readonly HeldSigner[] {
    const turned = this.members.map((_, at) => this.members[(at + round) % this.members.length] as HeldSigner);
    const postQuantum = turned.filter(({ key }) => key.algorithm === 'ml-dsa-44').slice(0, this.kPq);
    const others = turned.filter((one) => !postQuantum.includes(one));
    return [...postQuantum, ...others].slice(0, this.m);
  }

  genesis(): RegistryGenesis {
    return RegistryGenesis.parse({ log: this.log, m: this.m, k_pq: this.kPq, signers: this.signers });
  }

  /** The file `REGISTRY_GENESIS` names. */
  writeGenesis(file: string): string {
    writeFileSync(file, `${JSON.stringify(this.genesis(), null, 2)}\n`);
    return file;
  }

  /** The file another process of a load reads the keys from; for its owner's eyes. */
  writeKeys(file: string): string {
    const handed: SignersFile = {
      log: this.log,
      m: this.m,
      k_pq: this.kPq,
      keys: this.members.map((one) => one.handed),
    };
    writeFileSync(file, `${JSON.stringify(handed)}\n`, { mode: 0o600 });
    return file;
  }
}

/** How often a signer may ask is meant for people and their tools: whoever measures asks far more often. */
export const SIGNERS_UNBOUND = Object.freeze({ REGISTRY_PROPOSE_RPS: '100000', REGISTRY_APPROVE_RPS: '100000' });

/** Signers for a node of a rig: what its registry is told, and where its users find the keys. */
export class RiggedSigners implements Disposable {
  readonly group: SignerGroup;
  /** File with the keys. */
  readonly keys: string;
  /** File with the signers its log begins with. */
  readonly genesis: string;
  /** Settings of the registry of the node. */
  readonly env: Readonly<Record<string, string>>;
  readonly #folder: string;

  private constructor(group: SignerGroup, folder: string) {
    this.group = group;
    this.#folder = folder;
    this.keys = group.writeKeys(join(folder, 'signers.json'));
    this.genesis = group.writeGenesis(join(folder, 'genesis.json'));
    this.env = { ...SIGNERS_UNBOUND, REGISTRY_GENESIS: this.genesis };
  }

  /** Their files are gone when it is disposed: after the node that reads them. */
  static make(wish: SignersWish = {}): RiggedSigners {
    return new RiggedSigners(SignerGroup.make(wish), mkdtempSync(join(tmpdir(), 'macronode-signers-')));
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
