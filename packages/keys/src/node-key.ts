import { createPrivateKey } from 'node:crypto';
import { KeyFileError, createKeyFile, readKeyFile } from './key-file.ts';
import { SigningKey, newPrivateKey } from './signing-key.ts';

/** PKCS #8 of an Ed25519 key up to its 32 secret bytes (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;

/** The Ed25519 key of this node: what it signs with when a caller lets it sign. */
export class NodeKey extends SigningKey {
  /** A key for a node that keeps nothing: gone with the process. */
  static ephemeral(): NodeKey {
    return new NodeKey('ed25519', newPrivateKey('ed25519'));
  }

  /** The key {@link NodeKey.seed} was read of, in another thread. Throws RangeError unless it is 32 bytes. */
  static fromSeed(seed: Uint8Array): NodeKey {
    if (seed.length !== SEED_BYTES) throw new RangeError(`the seed of an Ed25519 key has ${SEED_BYTES} bytes`);
    const der = Buffer.concat([PKCS8_PREFIX, seed]);
    return new NodeKey('ed25519', createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
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

  /**
   * The 32 secret bytes, for a protocol that signs with this identity by itself (the handshake of the mesh). Whoever has
   * them is this node: hand them to a thread of this process, and to nobody else.
   */
  seed(): Uint8Array {
    return Buffer.from(this.toJwk().d ?? '', 'base64url');
  }
}

function load(file: string): NodeKey | undefined {
  const kept = readKeyFile(file);
  if (kept === undefined) return undefined;
  if (kept.algorithm !== 'ed25519') throw new KeyFileError(file, 'it does not hold an Ed25519 key');
  return new NodeKey(kept.algorithm, kept.privateKey);
}
