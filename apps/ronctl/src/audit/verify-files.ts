import { type FileHandle, open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { AuditKey } from './audit-key.ts';
import type { Place } from './chain-broken.ts';
import { ChainCheck, type Warning } from './chain-check.ts';
import { fileLines } from './file-lines.ts';

/** What was found of a log that verifies. */
export interface AuditReport {
  readonly files: readonly string[];
  readonly records: number;
  /** Starts of a node, and one more where the log begins in the middle. */
  readonly chains: number;
  readonly by_kind: Readonly<Record<string, number>>;
  /** Records the node could not write, by its own account. */
  readonly lost: { readonly full: number; readonly write_failed: number };
  /** `hmac` of the record before the first one; `none` for a log from its beginning, null for an empty one. */
  readonly begins: string | null;
  /** `hmac` of the last record: note it elsewhere, and `--head` shows later that the end is still there. */
  readonly head: string | null;
  readonly warnings: readonly Warning[];
  readonly seconds: number;
}

export interface VerifyOptions {
  /** The oldest first. */
  readonly files: readonly string[];
  readonly keys: readonly AuditKey[];
  /** `hmac` of a record the log must contain. */
  readonly head?: string;
  readonly signal: AbortSignal;
  /** Told how many bytes more were read. */
  readonly onProgress: (bytes: number) => void;
}

/**
 * A log by the name of the file that grows: those it was before lie beside it, `.1` the youngest. The oldest first. Empty where
 * there is none.
 */
export async function familyOf(file: string): Promise<string[]> {
  const folder = dirname(file);
  const name = basename(file);
  const numbers: number[] = [];
  for (const each of await readdir(folder)) {
    if (each === name) numbers.push(0);
    const number = each.startsWith(`${name}.`) ? each.slice(name.length + 1) : '';
    if (/^[1-9]\d{0,3}$/.test(number)) numbers.push(Number(number));
  }
  return numbers.sort((a, b) => b - a).map((n) => (n === 0 ? file : join(folder, `${name}.${n}`)));
}

interface Opened {
  readonly file: string;
  readonly handle: FileHandle;
}

/**
 * Opens all files before one is read, the youngest first: the node may move them aside meanwhile. One that was moved between
 * two opens is met again under the name of the one before, and taken once; so what is opened always hangs together.
 */
async function openAll(files: readonly string[], stack: AsyncDisposableStack): Promise<readonly Opened[]> {
  const met = new Set<string>();
  const opened: Opened[] = [];
  for (const file of files.toReversed()) {
    const handle = stack.adopt(await open(file), (each) => each.close());
    const { dev, ino } = await handle.stat();
    const which = `${dev} ${ino}`;
    if (!met.has(which)) opened.unshift({ file, handle });
    met.add(which);
  }
  return opened;
}

async function checkFile({ file, handle }: Opened, check: ChainCheck, options: VerifyOptions): Promise<Place> {
  let place = { file, line: 1 };
  let line = 0;
  for await (const lines of fileLines(handle, options.signal)) {
    let bytes = 0;
    for (const each of lines) {
      line += 1;
      place = { file, line };
      check.add(each, place);
      bytes += each.bytes.length + 1;
    }
    options.onProgress(bytes);
  }
  return place;
}

/** Recomputes every record of a log. Throws `ChainBroken` for the first that is wrong, and what reading a file throws. */
export async function verifyFiles(options: VerifyOptions): Promise<AuditReport> {
  const startedMs = performance.now();
  const check = new ChainCheck(options.keys, options.head);
  await using stack = new AsyncDisposableStack();
  let place: Place = { file: options.files.at(-1) ?? '', line: 1 };
  for (const each of await openAll(options.files, stack)) place = await checkFile(each, check, options);
  check.finish(place);
  return {
    files: options.files,
    records: check.records,
    chains: check.chains,
    by_kind: Object.fromEntries([...check.kinds].sort(([a], [b]) => (a < b ? -1 : 1))),
    lost: check.dropped,
    begins: check.begins ?? null,
    head: check.head ?? null,
    warnings: check.warnings,
    seconds: (performance.now() - startedMs) / 1_000,
  };
}
