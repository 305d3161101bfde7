import { randomBytes } from 'node:crypto';
import { hashBytes } from '@macronode/content';
import type { LogSigner, LogSigners } from '../../k6/flows/user.ts';
import { SignerGroup } from '../rig/registry-signers.ts';

const NONCE_BYTES = 16;

/** The signers of a file, with keys and hashes of Node. */
export function nodeSigners(file: string): LogSigners {
  const { log, m, members } = SignerGroup.read(file);
  return {
    log,
    m,
    members: members.map(({ id, key }): LogSigner => ({
      id,
      algo: key.algorithm,
      sign: (message) => signed(key, message),
    })),
    hash: (text) => hashBytes(Buffer.from(text)),
    nonce: () => randomBytes(NONCE_BYTES).toString('hex'),
  };
}

/** A flow signs a domain, which ends in the first newline, and what follows it. */
function signed(key: { sign(domain: string, message: string): string }, text: string): string {
  const end = text.indexOf('\n') + 1;
  return key.sign(text.slice(0, end), text.slice(end));
}
