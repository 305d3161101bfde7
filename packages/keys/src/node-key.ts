import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SigningKey, newPrivateKey } from './signing-key.ts';

/** Thrown when a key file cannot be trusted. Starting with another key would orphan all that this one signed. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
  readonly file: string;

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(
      `key file ${file}: ${problem}. Restore it from a backup; remove it only to begin anew with another key`,
      options,
    );
    this.file = file;
  }
}

const PUBLIC_BLOCK = '-----BEGIN PUBLIC KEY-----';
const OWNER_ONLY = 0o600;

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
    const fresh = NodeKey.ephemeral();
    createFile(file, fresh.toPem());
    const kept = load(file);
    if (kept === undefined) throw new KeyFileError(file, 'it vanished while the node started');
    return kept;
  }
}

function load(file: string): NodeKey | undefined {
  let pem: string;
  try {
    if ((statSync(file).mode & 0o077) !== 0) throw new KeyFileError(file, 'other users may open it (chmod 600 it)');
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  return parse(file, pem);
}

function parse(file: string, pem: string): NodeKey {
  const cut = pem.indexOf(PUBLIC_BLOCK);
  if (cut < 0) throw new KeyFileError(file, 'it is not complete');
  let key: NodeKey;
  let publicKey: string;
  try {
    key = new NodeKey('ed25519', createPrivateKey(pem.slice(0, cut)));
    publicKey = createPublicKey(pem.slice(cut)).export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
  } catch (cause) {
    throw new KeyFileError(file, 'it does not hold an Ed25519 key', { cause });
  }
  // Any 32 bytes are a valid private key: only the public half shows that a bit has flipped.
  if (publicKey !== key.publicKeyHex)
    throw new KeyFileError(file, 'its private and public halves do not belong together');
  return key;
}

/** Link instead of rename: it never replaces a key another process has put there meanwhile. */
function createFile(file: string, text: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true });
  const temp = join(folder, `.${basename(file)}.${process.pid}.${randomBytes(4).toString('hex')}`);
  try {
    const handle = openSync(temp, 'wx', OWNER_ONLY);
    try {
      writeSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    try {
      linkSync(temp, file);
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
    }
  } finally {
    removeIfThere(temp);
  }
  syncFolder(folder);
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
