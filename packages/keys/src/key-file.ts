import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
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
import { ALGORITHMS } from './algorithm.ts';
import type { Algorithm } from './algorithm.ts';

/** Thrown when a key file cannot be trusted. Going on with another key would orphan all that this one signed. */
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

/** What a key file holds. */
export interface KeptKey {
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
}

const PUBLIC_BLOCK = '-----BEGIN PUBLIC KEY-----';
const OWNER_ONLY = 0o600;

/**
 * The key in `file`; undefined when there is no such file.
 * Throws {@link KeyFileError} when the file is damaged, holds a key of no algorithm of ours, or is open to other users.
 */
export function readKeyFile(file: string): KeptKey | undefined {
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

/**
 * Writes a key file (PKCS #8 and SPKI as PEM, mode 0600, on disk before this returns; its folder is made too). False
 * when there is a file already: it is left as it is, whoever made it.
 */
export function createKeyFile(file: string, pem: string): boolean {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true });
  const temp = join(folder, `.${basename(file)}.${process.pid}.${randomBytes(4).toString('hex')}`);
  let created: boolean;
  try {
    writeWhole(temp, pem);
    created = linkNew(temp, file);
  } finally {
    removeIfThere(temp);
  }
  syncFolder(folder);
  return created;
}

function parse(file: string, pem: string): KeptKey {
  const cut = pem.indexOf(PUBLIC_BLOCK);
  if (cut < 0) throw new KeyFileError(file, 'it is not complete');
  let privateKey: KeyObject;
  let publicHalves: readonly Buffer[];
  try {
    privateKey = createPrivateKey(pem.slice(0, cut));
    publicHalves = [createPublicKey(privateKey), createPublicKey(pem.slice(cut))].map((key) =>
      key.export({ type: 'spki', format: 'der' }),
    );
  } catch (cause) {
    throw new KeyFileError(file, 'it does not hold a key', { cause });
  }
  const [derived, written] = publicHalves;
  // Any 32 bytes are a valid private key: only the public half shows that a bit has flipped.
  if (derived === undefined || written?.equals(derived) !== true)
    throw new KeyFileError(file, 'its private and public halves do not belong together');
  const algorithm = privateKey.asymmetricKeyType;
  if (!isAlgorithm(algorithm)) throw new KeyFileError(file, 'it does not hold an Ed25519 or ML-DSA-44 key');
  return { algorithm, privateKey };
}

const isAlgorithm = (type: string | undefined): type is Algorithm =>
  type !== undefined && Object.hasOwn(ALGORITHMS, type);

function writeWhole(file: string, text: string): void {
  const handle = openSync(file, 'wx', OWNER_ONLY);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Link instead of rename: it never replaces a key another process has put there meanwhile. */
function linkNew(temp: string, file: string): boolean {
  try {
    linkSync(temp, file);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
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
