import { judgeApprovals } from './approvals.ts';
import { type HttpSource, LinesMalformed, unreadable } from './http-source.ts';
import type { LogChain } from './log-chain.ts';
import { type LogEntry, readEntry } from './log-entry.ts';
import { MerkleTree } from './merkle-tree.ts';
import { OrderedWindow } from './ordered-window.ts';
import { VerificationFailed } from './verification-failed.ts';

const PAGE = 1_000;
/** Entries whose signatures are being verified: enough for every thread, and few enough to hold. */
const ENTRIES_UNDER_WAY = 256;

/** What stays of an entry that is asked about later. */
export interface KeptEntry {
  readonly entry: LogEntry;
  readonly line: string;
}

export interface CheckedLog {
  readonly tree: MerkleTree;
  readonly approvals: number;
  readonly kept: ReadonlyMap<number, KeptEntry>;
}

export interface LogCheck {
  readonly source: HttpSource;
  readonly chain: LogChain;
  /** The version to read up to. */
  readonly until: number;
  /** Entries to keep for later. */
  readonly keep: ReadonlySet<number>;
  readonly onEntry: () => void;
}

/** Reads the log up to a version and recomputes all that can be said of it without its tree. */
export async function checkLog({ source, chain, until, keep, onEntry }: LogCheck): Promise<CheckedLog> {
  const tree = new MerkleTree();
  const kept = new Map<number, KeptEntry>();
  const window = new OrderedWindow(ENTRIES_UNDER_WAY);
  let approvals = 0;
  const take = async (line: string): Promise<void> => {
    const entry = located(chain.version + 1, () => readEntry(line));
    const { inForce, incoming } = located(chain.version + 1, () => chain.link(entry));
    tree.append(entry.leafBytes);
    if (keep.has(entry.version)) kept.set(entry.version, { entry, line });
    onEntry();
    const judged = judgeApprovals(entry, inForce, incoming).then((count) => (approvals += count));
    await window.add(judged);
  };
  try {
    while (chain.version < until) {
      const before = chain.version;
      const limit = Math.min(PAGE, until - before);
      try {
        for await (const line of source.lines(`/registry/log?after=${before}&limit=${limit}`)) await take(line);
      } catch (error) {
        endOfReading(chain.version + 1, error);
      }
      if (chain.version === before) {
        throw new VerificationFailed('chain', `it is missing: the log should reach ${until}`, before + 1);
      }
    }
  } catch (error) {
    // What is wrong with an earlier entry shows later when it is a signature, and comes first all the same.
    await window.settled();
    throw error;
  }
  await window.settled();
  return { tree, approvals, kept };
}

/** Says of what ended a page which version it is about: lines that are none are a finding, an answer that is none is not. */
function endOfReading(version: number, error: unknown): never {
  if (error instanceof LinesMalformed) throw new VerificationFailed('shape', error.message, version);
  return unreadable(version, `the log cannot be read from version ${version} on`)(error);
}

/** Says of a failure which version it is about. */
function located<T>(version: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof VerificationFailed) || error.version !== undefined) throw error;
    throw new VerificationFailed(error.check, error.message, version, { cause: error });
  }
}
