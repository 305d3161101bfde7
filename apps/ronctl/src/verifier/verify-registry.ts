import { type Anchors, type GivenAnchors, findAnchors, readGiven } from './anchors.ts';
import { type StatedHead, checkEntry, checkHead, readHead } from './head-check.ts';
import type { HttpSource } from './http-source.ts';
import { type CheckedLog, checkLog } from './log-check.ts';
import { LogChain } from './log-chain.ts';
import { type Checkpoint, type Signed, readCheckpoint, signatureOf } from './note.ts';
import { checkConsistency, checkContinues, checkInclusion } from './proof-check.ts';
import { sampleSizes } from './sample.ts';
import { checkTiles } from './tile-check.ts';
import { tileCount } from './tile-path.ts';
import { VerificationFailed } from './verification-failed.ts';

/** What was recomputed and found right. */
export interface Report {
  readonly url: string;
  readonly log: string | null;
  readonly versions: number;
  readonly approvals: number;
  readonly rotations: number;
  readonly sealed: boolean;
  readonly checkpoint_size: number;
  readonly root: string | null;
  readonly tiles: number;
  readonly inclusion_proofs: number;
  readonly consistency_proofs: number;
  /** Who signed the checkpoint with a time, and when. */
  readonly cosigned: readonly { readonly name: string; readonly at: string }[];
  /** Where trust began: `given`, or the word of the node that is verified. */
  readonly signers_from: 'given' | 'node';
  readonly vkey_from: 'given' | 'node';
  readonly bytes: number;
  readonly seconds: number;
}

const CHECKPOINT = '/registry/tlog/checkpoint';

export type Stage = 'log' | 'tiles' | 'proofs';

export interface Verification {
  readonly source: HttpSource;
  readonly given: GivenAnchors;
  readonly onProgress: (stage: Stage, done: number, total: number) => void;
}

/**
 * Recomputes a registry from what it answers to GET: the chain, every approval, the tree, what is served of it, and the
 * checkpoint. Throws VerificationFailed for the first thing that is wrong.
 */
export async function verifyRegistry(verification: Verification): Promise<Report> {
  const startedMs = performance.now();
  const { source } = verification;
  const given = readGiven(verification.given);
  const signed = await source.get(CHECKPOINT);
  const head = await readHead(source);
  const anchors = await findAnchors(source, given);
  if (anchors === undefined) return reportOf(verification, startedMs, undefined);
  const checkpoint = checkpointOf(signed.status, signed.body.toString('utf8'), head, anchors);
  const chain = new LogChain(anchors.log, anchors.first);
  const size = checkpoint?.size ?? 0;
  const log = await readLog(verification, chain, Math.max(size, head.version, anchors.stated.version), size, head);
  checkSigners(chain, anchors, head);
  await checkHead(source, head, log.kept.get(head.version), size);
  const served = checkpoint === undefined ? undefined : await checkServed(verification, log, checkpoint, anchors);
  return reportOf(verification, startedMs, { anchors, chain, log, checkpoint, served });
}

function checkpointOf(status: number, note: string, head: StatedHead, anchors: Anchors): Checkpoint | undefined {
  if (status === 404 && head.version === 0) return undefined;
  if (status !== 200) throw new VerificationFailed('checkpoint', `the checkpoint is not served (${status})`);
  const checkpoint = judgeCheckpoint(note, anchors);
  if (checkpoint.size > head.version) {
    const problem = `the checkpoint covers ${checkpoint.size} entries, and the head is version ${head.version}`;
    throw new VerificationFailed('checkpoint', problem, head.version + 1);
  }
  return checkpoint;
}

function judgeCheckpoint(note: string, { log, logKey, cosigner, witnesses }: Anchors): Checkpoint {
  const checkpoint = readCheckpoint(note);
  const fail = (problem: string): never => {
    throw new VerificationFailed('checkpoint', `the checkpoint of ${checkpoint.size} entries ${problem}`);
  };
  if (checkpoint.origin !== log) fail(`is of ${checkpoint.origin}, not ${log}`);
  if (signatureOf(checkpoint, logKey) === undefined) fail(`is not signed with the key of ${logKey.name}`);
  if (cosigner !== undefined) signatureOf(checkpoint, cosigner);
  for (const witness of witnesses) signatureOf(checkpoint, witness);
  return checkpoint;
}

function readLog(
  { source, onProgress }: Verification,
  chain: LogChain,
  until: number,
  size: number,
  head: StatedHead,
): Promise<CheckedLog> {
  const keep = new Set([...sampleSizes(size), head.version]);
  let done = 0;
  const onEntry = (): void => onProgress('log', (done += 1), until);
  return checkLog({ source, chain, until, keep, onEntry });
}

/** That following the log from its first signers leads to those the node states. */
function checkSigners(chain: LogChain, { stated }: Anchors, head: StatedHead): void {
  const reached = chain.setOf(stated.version);
  if (reached?.statement !== stated.statement) {
    const problem = 'the signers the node states are not those the log leads to';
    throw new VerificationFailed('signers', problem, stated.version);
  }
  const { version } = chain.inForce;
  if (version > stated.version && version <= head.version) {
    throw new VerificationFailed('signers', 'the node states the signers that were in force before it', version);
  }
}

interface Served {
  readonly tiles: number;
  readonly inclusionProofs: number;
  readonly consistencyProofs: number;
  readonly cosigned: readonly Signed[];
}

/** The tree as it is served: tiles and bundles, the root, entries on their own, proofs; and who cosigned it. */
async function checkServed(
  { source, onProgress }: Verification,
  { tree, kept }: CheckedLog,
  checkpoint: Checkpoint,
  anchors: Anchors,
): Promise<Served> {
  const { size } = checkpoint;
  const total = tileCount(size);
  let done = 0;
  // Before the root: a tile that differs names the version, a root that differs names none.
  const tiles = await checkTiles(source, tree, size, () => onProgress('tiles', (done += 1), total));
  if (!tree.root(size).equals(checkpoint.root)) {
    throw new VerificationFailed('tree', `the checkpoint states another root than its ${size} entries give`, size);
  }
  const samples = [...kept.values()].filter(({ entry }) => entry.version <= size);
  let before = 0;
  for (const [at, sample] of samples.entries()) {
    const { version } = sample.entry;
    await checkEntry(source, sample);
    await checkInclusion(source, tree, sample, (note) => judgeCheckpoint(note, anchors));
    if (before > 0) await checkConsistency(source, tree, before, version);
    before = version;
    onProgress('proofs', at + 1, samples.length);
  }
  const now = judgeCheckpoint(await source.text(CHECKPOINT), anchors);
  await checkContinues(source, checkpoint, now);
  return {
    tiles,
    inclusionProofs: samples.length,
    consistencyProofs: Math.max(0, samples.length - 1) + (now.size > size && size > 0 ? 1 : 0),
    cosigned: cosignersOf(now, anchors),
  };
}

/** Who signed with a time. The node itself and every witness that was asked for must be among them. */
function cosignersOf(checkpoint: Checkpoint, { cosigner, witnesses }: Anchors): Signed[] {
  return [...(cosigner === undefined ? [] : [cosigner]), ...witnesses].map((key) => {
    const signed = signatureOf(checkpoint, key);
    if (signed !== undefined) return signed;
    throw new VerificationFailed('checkpoint', `the checkpoint is not cosigned by ${key.name}`);
  });
}

interface Verified {
  readonly anchors: Anchors;
  readonly chain: LogChain;
  readonly log: CheckedLog;
  readonly checkpoint: Checkpoint | undefined;
  readonly served: Served | undefined;
}

const MS_PER_SECOND = 1_000;

function reportOf({ source, given }: Verification, startedMs: number, verified: Verified | undefined): Report {
  const { chain, checkpoint, served } = verified ?? {};
  const cosigned = (served?.cosigned ?? []).flatMap(({ name, seconds }) =>
    seconds === undefined ? [] : [{ name, at: new Date(seconds * MS_PER_SECOND).toISOString() }],
  );
  return {
    url: source.url,
    log: verified?.anchors.log ?? null,
    versions: chain?.version ?? 0,
    approvals: verified?.log.approvals ?? 0,
    rotations: chain?.rotations ?? 0,
    sealed: chain?.sealed ?? false,
    checkpoint_size: checkpoint?.size ?? 0,
    root: checkpoint?.root.toString('base64') ?? null,
    tiles: served?.tiles ?? 0,
    inclusion_proofs: served?.inclusionProofs ?? 0,
    consistency_proofs: served?.consistencyProofs ?? 0,
    cosigned,
    signers_from: given.genesis === undefined ? 'node' : 'given',
    vkey_from: given.vkey === undefined ? 'node' : 'given',
    bytes: source.bytes,
    seconds: Math.round(performance.now() - startedMs) / MS_PER_SECOND,
  };
}
