import type { Algorithm } from './algorithm.ts';
import { createKeyFile, readKeyFile } from './key-file.ts';
import { SigningKey, newPrivateKey } from './signing-key.ts';

/** The key a person or an organisation signs with, of either algorithm, kept in a file. */
export class SignerKey extends SigningKey {
  /** Makes a key and its file (PEM, mode 0600). Undefined when there is a file already: a key is never replaced. */
  static create(file: string, algorithm: Algorithm): SignerKey | undefined {
    const key = new SignerKey(algorithm, newPrivateKey(algorithm));
    return createKeyFile(file, key.toPem()) ? key : undefined;
  }

  /** The key in `file`; undefined when there is none. Throws KeyFileError for a file that cannot be trusted. */
  static load(file: string): SignerKey | undefined {
    const kept = readKeyFile(file);
    return kept === undefined ? undefined : new SignerKey(kept.algorithm, kept.privateKey);
  }
}
