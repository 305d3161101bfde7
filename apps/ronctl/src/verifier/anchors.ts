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
  readonly anchor: keyof GivenAnchors;

  constructor(anchor: keyof GivenAnchors, message: string, options?: ErrorOptions) {
    super(message, options);
    this.anchor = anchor;
  }
}

/** What was given, read: {@link readGiven}. */
interface ReadAnchors {
  readonly genesis: { readonly log: string; readonly set: SignerSet } | undefined;
  readonly logKey: NoteKey | undefined;
  readonly witnesses: readonly NoteKey[];
}

/** Reads what was given. Throws AnchorRefused for what is of no use, before a node is asked for anything. */
export function readGiven({ genesis, vkey, witnesses }: GivenAnchors): ReadAnchors {
  const logKey = vkey === undefined ? undefined : givenKey('vkey', vkey);
  if (logKey?.timed === true) throw new AnchorRefused('vkey', `${logKey.name} is the key of a cosigner, not of a log`);
  const cosigners = witnesses.map((each) => givenKey('witnesses', each));
  const log = cosigners.find(({ timed }) => !timed);
  if (log !== undefined) throw new AnchorRefused('witnesses', `${log.name} is the key of a log, not of a witness`);
  return { genesis: genesis === undefined ? undefined : givenGenesis(genesis), logKey, witnesses: cosigners };
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
export async function findAnchors(source: HttpSource, given: ReadAnchors): Promise<Anchors | undefined> {
  const stated = Members.parse('the answer to /registry/signers', await source.text('/registry/signers'));
  if (stated.text('state') === 'no_signers') return undefined;
  const log = stated.text('log');
  const logKey = given.logKey ?? statedKey(stated.text('vkey'), false);
  const cosigner = stated.has('cosigner_vkey') ? statedKey(stated.text('cosigner_vkey'), true) : undefined;
  return {
    log,
    stated: { version: stated.count('version'), statement: statementOf(stated) },
    first: firstSet(log, stated, given.genesis),
    logKey,
    cosigner,
    witnesses: given.witnesses,
  };
}

function firstSet(log: string, stated: Members, given: ReadAnchors['genesis']): SignerSet {
  if (given !== undefined) {
    if (given.log === log) return given.set;
    throw new AnchorRefused('genesis', `the genesis file is of ${given.log}, not ${log}`);
  }
  if ((stated.value('genesis') ?? null) !== null) {
    const members = new Members('the genesis the node states', stated.value('genesis'));
    return admitSignerSet('the genesis the node states', log, 0, members);
  }
  if (stated.count('version') === 0) return admitSignerSet('the signers the node states', log, 0, stated);
  throw new AnchorRefused(
    'genesis',
    'the signers have changed since the log began: give the first set with --genesis FILE',
  );
}

function givenGenesis(text: string): NonNullable<ReadAnchors['genesis']> {
  try {
    const members = Members.parse('the genesis file', text);
    const log = members.text('log');
    return { log, set: admitSignerSet('the genesis file', log, 0, members) };
  } catch (error) {
    if (error instanceof VerificationFailed) throw new AnchorRefused('genesis', error.message, { cause: error });
    throw error;
  }
}

function givenKey(anchor: 'vkey' | 'witnesses', vkey: string): NoteKey {
  try {
    return readVkey(vkey);
  } catch (cause) {
    throw new AnchorRefused(anchor, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function statedKey(vkey: string, timed: boolean): NoteKey {
  const fail = (problem: string): never => {
    throw new VerificationFailed('checkpoint', `a key the node states is refused: ${problem}`);
  };
  try {
    const key = readVkey(vkey);
    return key.timed === timed ? key : fail(`${key.name} is not the key of a ${timed ? 'cosigner' : 'log'}`);
  } catch (error) {
    if (error instanceof VerificationFailed) throw error;
    return fail(error instanceof Error ? error.message : String(error));
  }
}
