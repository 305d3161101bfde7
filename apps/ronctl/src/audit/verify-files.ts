import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { AuditKey } from './audit-key.ts';
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

/** Recomputes every record of a log. Throws `ChainBroken` for the first that is wrong, and what reading a file throws. */
export async function verifyFiles(options: VerifyOptions): Promise<AuditReport> {
  const startedMs = performance.now();
  const check = new ChainCheck(options.keys, options.head);
  let place = { file: options.files.at(-1) ?? '', line: 1 };
  for (const file of options.files) {
    let line = 0;
    for await (const lines of fileLines(file, options.signal)) {
      let bytes = 0;
      for (const each of lines) {
        line += 1;
        place = { file, line };
        check.add(each, place);
        bytes += each.bytes.length + 1;
      }
      options.onProgress(bytes);
    }
  }
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
