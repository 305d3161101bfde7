import type { HttpSource } from './http-source.ts';
import { Members } from './members.ts';
import { type NoteKey, readVkey } from './note.ts';
import { type SignerSet, admitSignerSet, statementOf } from './signer-set.ts';
import { VerificationFailed } from './verification-failed.ts';

/** What the person trusts from elsewhere. What is not given is taken on the node's word, and the report says so. */
export interface GivenAnchors {
  /** Text of the genesis file: the signer set the log began with. */
  readonly genesis?: string;
  /** Verifier key of the log. */
  readonly vkey?: string;
  /** Verifier keys of witnesses that must have cosigned the checkpoint. */
  readonly witnesses: readonly string[];
}

/** Thrown when what the person gave is of no use: the log has not been judged. */
export class AnchorRefused extends Error {
  override readonly name = 'AnchorRefused';
}

/** The signers the node says are in force. They are judged where the log brings them. */
export interface StatedSigners {
  readonly version: number;
  readonly statement: string;
}

export interface Anchors {
  readonly log: string;
  readonly stated: StatedSigners;
  readonly first: SignerSet;
  readonly logKey: NoteKey;
  /** The node's own, of its timed signature; undefined when it states none. */
  readonly cosigner: NoteKey | undefined;
  readonly witnesses: readonly NoteKey[];
}

/** Asks the node for its signers and keys, and puts what was given in their place. Undefined when the log has no signers yet. */
export async function findAnchors(source: HttpSource, given: GivenAnchors): Promise<Anchors | undefined> {
  const stated = Members.parse('the answer to /registry/signers', await source.text('/registry/signers'));
  if (stated.text('state') === 'no_signers') return undefined;
  const log = stated.text('log');
  const logKey = given.vkey === undefined ? statedKey(stated.text('vkey')) : givenKey(given.vkey);
  if (logKey.timed) throw new AnchorRefused('--vkey is the key of a cosigner, not of a log');
  const cosigner = stated.has('cosigner_vkey') ? statedKey(stated.text('cosigner_vkey')) : undefined;
  const witnesses = given.witnesses.map(givenKey);
  return {
    log,
    stated: { version: stated.count('version'), statement: statementOf(stated) },
    first: firstSet(log, stated, given.genesis),
    logKey,
    cosigner,
    witnesses,
  };
}

function firstSet(log: string, stated: Members, genesis: string | undefined): SignerSet {
  if (genesis !== undefined) {
    try {
      const members = Members.parse('the genesis file', genesis);
      if (members.text('log') !== log)
        throw new AnchorRefused(`the genesis file is of ${members.text('log')}, not ${log}`);
      return admitSignerSet('the genesis file', log, 0, members);
    } catch (error) {
      if (error instanceof VerificationFailed) throw new AnchorRefused(error.message, { cause: error });
      throw error;
    }
  }
  if ((stated.value('genesis') ?? null) !== null) {
    const members = new Members('the genesis the node states', stated.value('genesis'));
    return admitSignerSet('the genesis the node states', log, 0, members);
  }
  if (stated.count('version') === 0) return admitSignerSet('the signers the node states', log, 0, stated);
  throw new AnchorRefused('the signers have changed since the log began: give the first set with --genesis FILE');
}

function givenKey(vkey: string): NoteKey {
  try {
    return readVkey(vkey);
  } catch (cause) {
    throw new AnchorRefused(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function statedKey(vkey: string): NoteKey {
  try {
    return readVkey(vkey);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new VerificationFailed('checkpoint', `a key the node states is refused: ${why}`);
  }
}
