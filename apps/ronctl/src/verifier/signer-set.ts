import { canonical } from './canonical-form.ts';
import { b3 } from './hashes.ts';
import { Members } from './members.ts';
import { type PublicKey, admitKey, isAlgorithm, isSignedBytes } from './public-key.ts';
import { VerificationFailed } from './verification-failed.ts';

/** The approvals of sixteen post-quantum signers still fit a leaf: no log takes a larger set. */
const SIGNERS_MAX = 16;
const POSSESSION_DOMAIN = 'ron:registry:possession:v1\n';

export const SIGNER_MEMBERS: ReadonlySet<string> = new Set(['signer_id', 'algo', 'public_key', 'possession']);

/** Who may approve: `m` of these, at least `kPq` of them with an ML-DSA-44 key. */
export interface SignerSet {
  /** Version of the entry that set it; 0 for the first. */
  readonly version: number;
  readonly m: number;
  readonly kPq: number;
  readonly keys: ReadonlyMap<string, PublicKey>;
  /** See {@link statementOf}. */
  readonly statement: string;
}

/**
 * Reads a set and lets it in: distinct ids, distinct keys, each key strong and shown to be held for this log, and a
 * quorum it can reach.
 */
export function admitSignerSet(what: string, log: string, version: number, members: Members): SignerSet {
  const fail = (problem: string): never => {
    throw new VerificationFailed('signers', `${what}: ${problem}`);
  };
  const keys = new Map<string, PublicKey>();
  const seen = new Set<string>();
  const signers = members.list('signers');
  if (signers.length > SIGNERS_MAX) fail(`${signers.length} signers are more than ${SIGNERS_MAX}`);
  for (const value of signers) {
    const signer = new Members('a signer', value);
    signer.only(SIGNER_MEMBERS);
    const id = signer.text('signer_id');
    const hex = signer.text('public_key');
    if (keys.has(id)) fail(`signer ${id} is named twice`);
    if (seen.has(hex)) fail(`signer ${id} has the key of another`);
    seen.add(hex);
    keys.set(
      id,
      admitSigner(log, signer, (problem) => fail(`the key of ${id} is ${problem}`)),
    );
  }
  const m = members.count('m');
  const kPq = members.has('k_pq') ? members.count('k_pq') : 0;
  const postQuantum = [...keys.values()].filter(({ algorithm }) => algorithm === 'ml-dsa-44').length;
  if (m < 1 || m > keys.size) fail(`m is ${m} of ${keys.size} signers`);
  if (kPq > m || kPq > postQuantum) fail(`k_pq is ${kPq}, m is ${m}, and ${postQuantum} keys are post-quantum`);
  return { version, m, kPq, keys, statement: statementOf(members) };
}

/** A set as it is stated, in canonical form: to compare two statements of it. */
export function statementOf(members: Members): string {
  const kPq = members.has('k_pq') ? members.count('k_pq') : 0;
  return canonical({ m: members.count('m'), k_pq: kPq, signers: members.list('signers') });
}

function admitSigner(log: string, signer: Members, fail: (problem: string) => never): PublicKey {
  const [id, algo, hex] = [signer.text('signer_id'), signer.text('algo'), signer.text('public_key')];
  if (!isAlgorithm(algo)) return fail(`of an unknown algorithm, ${algo}`);
  const key = admitKey(algo, hex);
  if (typeof key === 'string') return fail(key);
  const claim = canonical({ log, signer_id: id, algo, public_key: hex });
  const message = Buffer.from(`${POSSESSION_DOMAIN}${b3(Buffer.from(claim))}\n`);
  const proof = Buffer.from(signer.text('possession'), 'base64');
  return isSignedBytes(key, message, proof) ? key : fail('not shown to be held: its proof does not verify');
}
