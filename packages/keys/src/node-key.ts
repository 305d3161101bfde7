import { KeyFileError, createKeyFile, readKeyFile } from './key-file.ts';
import { SigningKey, newPrivateKey } from './signing-key.ts';

/** The Ed25519 key of this node: what it signs with when a caller lets it sign. */
export class NodeKey extends SigningKey {
  /** A key for a node that keeps nothing: gone with the process. */
  static ephemeral(): NodeKey {
    return new NodeKey('ed25519', newPrivateKey('ed25519'));
  }

  /**
   * The key in `file`, made there on the first start (PEM, mode 0600, on disk before this returns; the folder is made
   * too). Two processes that start at once end up with one key.
   * Throws {@link KeyFileError} when the file is damaged, holds another kind of key, or is open to other users.
   */
  static loadOrCreate(file: string): NodeKey {
    const known = load(file);
    if (known !== undefined) return known;
    createKeyFile(file, NodeKey.ephemeral().toPem());
    const kept = load(file);
    if (kept === undefined) throw new KeyFileError(file, 'it vanished while the node started');
    return kept;
  }
}

function load(file: string): NodeKey | undefined {
  const kept = readKeyFile(file);
  if (kept === undefined) return undefined;
  if (kept.algorithm !== 'ed25519') throw new KeyFileError(file, 'it does not hold an Ed25519 key');
  return new NodeKey(kept.algorithm, kept.privateKey);
}
