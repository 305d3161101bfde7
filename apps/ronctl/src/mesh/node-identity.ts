import { KeyFileError, SignerKey } from '@macronode/keys';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';

/** What others know a node by. */
export interface NodeIdentity {
  readonly file: string;
  /** The public key, 64 hex digits: what a trust list names. */
  readonly node_id: string;
}

/** The identity in a key file of the mesh. Makes none: a node that lost its key must not quietly become another. */
export function readIdentity(file: string): NodeIdentity {
  let key: SignerKey | undefined;
  try {
    key = SignerKey.load(file);
  } catch (error) {
    if (error instanceof KeyFileError) throw new Failure(EXIT.error, error.message, { cause: error });
    throw error;
  }
  if (key === undefined) {
    throw new Failure(EXIT.error, `there is no key file ${file}`, {
      hint: `make one with: ronctl mesh id --create ${file}`,
    });
  }
  if (key.algorithm !== 'ed25519')
    throw new Failure(EXIT.error, `${file} holds an ${key.algorithm} key: a node of the mesh has an ed25519 key`);
  return { file, node_id: key.publicKeyHex };
}

/** Makes a key file (mode 0600). An existing one is never replaced. */
export function createIdentity(file: string): NodeIdentity {
  const key = SignerKey.create(file, 'ed25519');
  if (key !== undefined) return { file, node_id: key.publicKeyHex };
  throw new Failure(EXIT.error, `${file} is there already; a key is never replaced`, {
    hint: `see whose it is with: ronctl mesh id --key-file ${file}`,
  });
}
