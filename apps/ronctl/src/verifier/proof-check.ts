import type { HttpSource } from './http-source.ts';
import { leafHash } from './hashes.ts';
import type { KeptEntry } from './log-check.ts';
import { Members } from './members.ts';
import type { MerkleTree } from './merkle-tree.ts';
import type { Checkpoint } from './note.ts';
import { rootOfInclusion, rootsOfConsistency } from './tree-proofs.ts';
import { VerificationFailed } from './verification-failed.ts';

/** Verifies a checkpoint: its origin and the signature of the log. Throws when it is not the log's. */
export type CheckpointJudge = (note: string) => Checkpoint;

const HEADER = 'c2sp.org/tlog-proof@v1\n';

const hashOf = (base64: string): Buffer | undefined => {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length === 32 && bytes.toString('base64') === base64 ? bytes : undefined;
};

/**
 * Verifies the tlog-proof of a version as whoever is offline would, with its leaf and the key of the log alone; and that
 * its checkpoint, when it covers no more than was read, is of the log that was read.
 */
export async function checkInclusion(
  source: HttpSource,
  tree: MerkleTree,
  { entry }: KeptEntry,
  judge: CheckpointJudge,
): Promise<void> {
  const { version } = entry;
  const fail = (problem: string): never => {
    throw new VerificationFailed('proof', `its proof of inclusion ${problem}`, version);
  };
  const { status, body } = await source.get(`/registry/${version}/proof`);
  if (status !== 200) return fail(`is not served (${status})`);
  const text = body.toString('utf8');
  const divide = text.indexOf('\n\n');
  if (!text.startsWith(HEADER) || divide < 0) return fail('is malformed');
  const lines = text.slice(HEADER.length, divide).split('\n');
  if (lines[0]?.startsWith('extra ') === true) lines.shift();
  if (lines.shift() !== `index ${version - 1}`) return fail(`is not of index ${version - 1}`);
  const path = lines.map((line) => hashOf(line) ?? fail('holds a line that is not a hash'));
  const checkpoint = judge(text.slice(divide + 2));
  const root = rootOfInclusion(leafHash(entry.leafBytes), version - 1, checkpoint.size, path);
  if (root === undefined || checkpoint.root.compare(root) !== 0) fail('does not lead to the root of its checkpoint');
  const { size } = checkpoint;
  if (size <= tree.size && !tree.root(size).equals(checkpoint.root)) {
    fail(`shows a second root that is signed for ${size} entries`);
  }
}

/** Verifies that the log of one size continues that of another, with roots recomputed from the log. */
export async function checkConsistency(source: HttpSource, tree: MerkleTree, from: number, to: number): Promise<void> {
  const path = await consistencyPath(source, from, to);
  const roots = rootsOfConsistency(from, to, tree.root(from), path);
  if (roots === undefined || tree.root(from).compare(roots.from) !== 0 || tree.root(to).compare(roots.to) !== 0) {
    throw new VerificationFailed('proof', `the proof that size ${to} continues size ${from} does not verify`, to);
  }
}

/** Verifies that a checkpoint continues one before it, when the log grew meanwhile and its new entries were not read. */
export async function checkContinues(source: HttpSource, before: Checkpoint, now: Checkpoint): Promise<void> {
  const fail = (problem: string): never => {
    throw new VerificationFailed('checkpoint', problem, Math.min(before.size, now.size) + 1);
  };
  if (now.size < before.size) fail(`the checkpoint went back from ${before.size} to ${now.size} entries`);
  if (now.size === before.size) {
    if (!now.root.equals(before.root)) fail(`two roots are signed for ${now.size} entries`);
    return;
  }
  if (before.size === 0) return;
  const path = await consistencyPath(source, before.size, now.size);
  const roots = rootsOfConsistency(before.size, now.size, before.root, path);
  if (roots === undefined || before.root.compare(roots.from) !== 0 || now.root.compare(roots.to) !== 0) {
    fail(`the checkpoint of ${now.size} entries does not continue that of ${before.size}`);
  }
}

async function consistencyPath(source: HttpSource, from: number, to: number): Promise<Buffer[]> {
  const fail = (problem: string): never => {
    throw new VerificationFailed('proof', `the proof that size ${to} continues size ${from} ${problem}`, to);
  };
  const { status, body } = await source.get(`/registry/consistency?from=${from}&to=${to}`);
  if (status !== 200) return fail(`is not served (${status})`);
  const proof = Members.parse('the proof', body.toString('utf8'));
  if (proof.count('from') !== from || proof.count('to') !== to) fail('is of other sizes');
  return proof.list('hashes').map((hash) => hashOf(String(hash)) ?? fail('holds what is not a hash'));
}
