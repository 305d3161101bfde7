import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type Globals, httpUrl, tokenOf } from '../command-line.ts';
import { EXIT } from '../exit-codes.ts';
import { exitCodeOf, Failure, hintOf } from '../failure.ts';
import { formatCount, Progress } from '../progress.ts';
import { note, paint, print, table, type Terminal } from '../terminal.ts';
import { AnchorRefused, type GivenAnchors } from '../verifier/anchors.ts';
import { HttpSource, SourceFailed } from '../verifier/http-source.ts';
import { VerificationFailed } from '../verifier/verification-failed.ts';
import { type Report, type Stage, verifyRegistry } from '../verifier/verify-registry.ts';

interface VerifyOptions {
  readonly genesis?: string;
  readonly vkey?: string;
  readonly witness?: readonly string[];
}

const collect = (text: string, list: readonly string[] | undefined): string[] => [...(list ?? []), text];

/** `verify`: recomputes the whole log from what the node answers, sharing no code with the node. */
export function addVerifyCommand(registry: Command, terminal: Terminal): void {
  registry
    .command('verify')
    .description(
      'recompute the whole log from what a node answers: chain, approvals, quorums, tree, tiles, proofs, checkpoint',
    )
    .argument('[url]', 'the node (default: --url)', httpUrl)
    .option('--genesis <file>', 'the signer set the log began with; else the node is believed')
    .option('--vkey <key>', 'verifier key of the log; else the node is believed')
    .option('--witness <key>', 'verifier key of a witness that must have cosigned; once for each', collect)
    .addHelpText('after', '\nExit code 5 names the first version that is wrong, and what is wrong with it.')
    .action(async (url: string | undefined, options: VerifyOptions, self: Command) => {
      const globals = self.optsWithGlobals<Globals>();
      const report = await verify(terminal, { ...globals, url: url ?? globals.url }, options);
      print(terminal, globals.json, report, () => reportRows(terminal, report));
      if (!globals.json) tellTrust(terminal, report);
    });
}

async function verify(terminal: Terminal, globals: Globals, options: VerifyOptions): Promise<Report> {
  const { url, timeout: timeoutMs } = globals;
  const stages = new StageProgress(terminal);
  const onWait = (waitMs: number, why: string): void => {
    stages.end();
    note(terminal, `ronctl: ${why}; asking again in ${(waitMs / 1_000).toFixed(1)} s`);
  };
  const source = new HttpSource({ url, timeoutMs, signal: terminal.signal, onWait, ...tokenOf(globals, terminal) });
  const { genesis, vkey, witness: witnesses = [] } = options;
  const given: GivenAnchors = {
    witnesses,
    ...(genesis === undefined ? {} : { genesis: await readFile(genesis, 'utf8') }),
    ...(vkey === undefined ? {} : { vkey }),
  };
  try {
    return await verifyRegistry({ source, given, onProgress: (stage, done, total) => stages.show(stage, done, total) });
  } catch (error) {
    throw failureOf(error);
  } finally {
    stages.end();
  }
}

function failureOf(error: unknown): unknown {
  if (error instanceof VerificationFailed) {
    const { check, version, message } = error;
    return new Failure(EXIT.integrity, message, {
      details: { check, ...(version === undefined ? {} : { version }) },
      hint: 'nothing from there on can be trusted; compare with another node',
      cause: error,
    });
  }
  if (error instanceof AnchorRefused) {
    const { anchor, message } = error;
    if (anchor === 'genesis') return new Failure(EXIT.error, message, { cause: error });
    return new Failure(EXIT.usage, `${KEY_OPTIONS[anchor]}: ${message}`, { cause: error });
  }
  return error instanceof SourceFailed ? unjudged(error) : error;
}

const KEY_OPTIONS = { vkey: '--vkey', witnesses: '--witness' } as const;

/** The codes of the statuses that say nothing of what was asked for. */
const CODES: Readonly<Record<number, string>> = { 401: 'unauthorized', 403: 'forbidden' };

/** No verdict: the log could not be read. */
function unjudged(error: SourceFailed): Failure {
  const { status, version, message } = error;
  const code = status === undefined ? undefined : CODES[status];
  const exitCode = status === undefined ? EXIT.unavailable : exitCodeOf(code, status);
  const elsewhere = status !== undefined && status < 500 && exitCode !== EXIT.unavailable;
  const next = elsewhere ? 'is this the address of a registry?' : 'try again, or name another node';
  return new Failure(exitCode, message, {
    hint: hintOf(code, undefined) ?? `the log was not judged; ${next}`,
    cause: error,
    ...(code === undefined ? {} : { code }),
    ...(status === undefined ? {} : { status }),
    ...(version === undefined ? {} : { details: { version } }),
  });
}

/** One progress line for each stage in turn. */
class StageProgress {
  readonly #terminal: Terminal;
  #stage: Stage | undefined;
  #progress: Progress | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(stage: Stage, done: number, total: number): void {
    if (stage !== this.#stage) {
      this.end();
      this.#stage = stage;
      this.#progress = new Progress(this.#terminal, `verifying ${stage}`, total, formatCount);
    }
    this.#progress?.add(done - this.#progress.amount);
  }

  end(): void {
    this.#progress?.end();
  }
}

function reportRows(terminal: Terminal, report: Report): string[] {
  const rows = [
    ['log', report.log ?? 'without signers: nothing can be approved yet'],
    ['versions', `${report.versions}${report.sealed ? ', sealed' : ''}`],
    ['approvals', String(report.approvals)],
    ['rotations', String(report.rotations)],
    ['checkpoint', `${report.checkpoint_size} entries, root ${report.root ?? '-'}`],
    ['tiles', String(report.tiles)],
    ['proofs', `${report.inclusion_proofs} of inclusion, ${report.consistency_proofs} of consistency`],
    ...report.cosigned.map(({ name, at }) => ['cosigned', `${name} ${at}`]),
    ['time', `${report.seconds.toFixed(1)} s`],
  ];
  const verdict = paint(terminal, 'green', 'verified');
  return [verdict, ...table(rows, (cell, column) => (column === 0 ? paint(terminal, 'dim', cell) : cell))];
}

/** What was believed because nothing better was given. */
function tellTrust(terminal: Terminal, { signers_from, vkey_from, log }: Report): void {
  if (log === null) return;
  if (signers_from === 'node')
    note(terminal, "the first signers were taken on the node's word: give them with --genesis FILE");
  if (vkey_from === 'node') note(terminal, "the key of the log was taken on the node's word: give it with --vkey");
}
