import { readFile, stat } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { Globals } from '../command-line.ts';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { Progress } from '../progress.ts';
import { note, paint, print, table, type Terminal } from '../terminal.ts';
import { AuditKey } from './audit-key.ts';
import { ChainBroken } from './chain-broken.ts';
import { type AuditReport, familyOf, verifyFiles } from './verify-files.ts';

const DEFAULT_KEY_ENV = 'AUDIT_HMAC_KEY';
/** Taken where it is set: the node reads the key it had before from there. */
const DEFAULT_PREVIOUS_KEY_ENV = 'AUDIT_HMAC_PREVIOUS_KEY';

/** What scripts see of `audit verify`: the three answers there are to the one question. */
const VERDICT = Object.freeze({ broken: EXIT.error, unchecked: EXIT.usage });

const EXIT_CODES = `
Exit codes of this command: 0 verified, 1 broken, 2 it cannot be checked (no key, no file).
Whole records cut off at the end are noticed only with --head, or by what a node that ran on wrote after them.`;

interface Options {
  readonly keyEnv?: string;
  readonly keyFile?: string;
  readonly previousKeyEnv?: readonly string[];
  readonly previousKeyFile?: readonly string[];
  readonly head?: string;
}

const collect = (text: string, list: readonly string[] | undefined): string[] => [...(list ?? []), text];

const recordHmac = (text: string): string => {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError('an hmac: 64 lower-case hex digits');
  return text;
};

/** `audit verify`: recomputes an audit log from its files and the key, sharing no code with the node that wrote it. */
export function addAuditCommands(program: Command, terminal: Terminal): void {
  program
    .command('audit')
    .description('the audit log of a node, from its files')
    .command('verify')
    .description('recompute every record and link of an audit log, across rotations and restarts')
    .argument('<files...>', 'the file that grows, which takes in those beside it; or several files, the oldest first')
    .option('--key-env <name>', `environment variable with the key (default: ${DEFAULT_KEY_ENV})`)
    .option('--key-file <file>', 'file with the key; a line feed at its end is not part of it')
    .option(
      '--previous-key-env <name>',
      `variable with a key the log had before; once for each (default: ${DEFAULT_PREVIOUS_KEY_ENV}, if set)`,
      collect,
    )
    .option('--previous-key-file <file>', 'file with a key the log had before; once for each', collect)
    .option(
      '--head <hmac>',
      'hmac of a record you know of: broken without it, also where the end is cut off',
      recordHmac,
    )
    .addHelpText('after', EXIT_CODES)
    .action(async (given: readonly string[], options: Options, self: Command) => {
      const { json } = self.optsWithGlobals<Globals>();
      const keys = await keysOf(options, terminal);
      const files = await filesOf(given);
      const report = await verified(terminal, files, keys, options.head);
      if (report.records === 0)
        throw unchecked(`there is no record in ${files.join(', ')}`, 'name the audit log of a node');
      print(terminal, json, report, () => rowsOf(terminal, report));
      if (!json) for (const { file, line, what } of report.warnings) note(terminal, `${file}:${line}: ${what}`);
    });
}

const unchecked = (problem: string, hint: string, cause?: unknown): Failure =>
  new Failure(VERDICT.unchecked, problem, { code: 'unchecked', hint, cause });

/** Keeps what stands behind an error of the file system, and says that nothing was judged. */
function unreadable(file: string, error: unknown): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === undefined || code === 'ABORT_ERR') return error;
  return unchecked(`cannot read ${file}: ${code}`, 'the log was not judged', error);
}

async function keysOf(options: Options, terminal: Terminal): Promise<AuditKey[]> {
  const { keyEnv, keyFile, previousKeyFile = [] } = options;
  const previousIsSet = (terminal.env[DEFAULT_PREVIOUS_KEY_ENV] ?? '') !== '';
  const previousKeyEnv = options.previousKeyEnv ?? (previousIsSet ? [DEFAULT_PREVIOUS_KEY_ENV] : []);
  if (keyEnv !== undefined && keyFile !== undefined)
    throw new Failure(EXIT.usage, '--key-env and --key-file exclude each other');
  const fromEnv = (name: string): AuditKey => {
    const text = terminal.env[name] ?? '';
    if (text === '') throw unchecked(`there is no key in ${name}`, 'set it, or give the key with --key-file FILE');
    return new AuditKey(Buffer.from(text));
  };
  const fromFile = async (file: string): Promise<AuditKey> => {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw unreadable(file, error);
    });
    const key = text.replace(/\r?\n$/, '');
    if (key === '') throw unchecked(`there is no key in ${file}`, 'the log was not judged');
    return new AuditKey(Buffer.from(key));
  };
  return [
    keyFile === undefined ? fromEnv(keyEnv ?? DEFAULT_KEY_ENV) : await fromFile(keyFile),
    ...previousKeyEnv.map(fromEnv),
    ...(await Promise.all(previousKeyFile.map(fromFile))),
  ];
}

async function filesOf(given: readonly string[]): Promise<readonly string[]> {
  const [first = '', ...others] = given;
  if (others.length > 0) return given;
  const files = await familyOf(first).catch((error: unknown) => {
    throw unreadable(first, error);
  });
  if (files.length === 0) throw unchecked(`there is no file ${first}`, 'name the audit log of the node');
  return files;
}

async function verified(
  terminal: Terminal,
  files: readonly string[],
  keys: readonly AuditKey[],
  head: string | undefined,
): Promise<AuditReport> {
  const bytes = await Promise.all(
    files.map(async (file) => {
      try {
        return (await stat(file)).size;
      } catch (error) {
        throw unreadable(file, error);
      }
    }),
  );
  const total = bytes.reduce((sum, each) => sum + each, 0);
  const progress = new Progress(terminal, 'verifying', total);
  const { signal } = terminal;
  try {
    const onProgress = (more: number): void => progress.add(more);
    return await verifyFiles({ files, keys, signal, onProgress, ...(head === undefined ? {} : { head }) });
  } catch (error) {
    if (!(error instanceof ChainBroken)) throw unreadable(files.join(', '), error);
    const { kind, place, message } = error;
    throw new Failure(VERDICT.broken, message, {
      code: kind,
      details: { ...place },
      hint: 'nothing from there on can be trusted; what stands before it verifies',
      cause: error,
    });
  } finally {
    progress.end();
  }
}

function rowsOf(terminal: Terminal, report: AuditReport): string[] {
  const lost = report.lost.full + report.lost.write_failed;
  const rows = [
    ['files', String(report.files.length)],
    ['records', String(report.records)],
    ...Object.entries(report.by_kind).map(([kind, count]) => [`  ${kind}`, String(count)]),
    ['chains', String(report.chains)],
    ['lost', lost === 0 ? 'none' : `${lost}: queue full ${report.lost.full}, not written ${report.lost.write_failed}`],
    ['begins', report.begins === 'none' ? 'at the first record' : `after ${report.begins ?? '-'}`],
    ['head', report.head ?? '-'],
    ['time', `${report.seconds.toFixed(1)} s`],
  ];
  const verdict = paint(terminal, 'green', 'verified');
  return [verdict, ...table(rows, (cell, column) => (column === 0 ? paint(terminal, 'dim', cell) : cell))];
}
