// docs/chaos.md: the scenarios, generated from their declarations, and the last whole run between marks.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { page, table } from '../../grafana/markdown.ts';
import { ROOT } from '../bootstrap.mjs';
import { spelledExpectation } from './expectation.ts';
import { RATE_PER_SECOND } from './load.ts';
import { READS_PER_SECOND, ROUND_MS } from './log-load.ts';
import type { Row } from './run.ts';
import { SCENARIOS } from './scenarios/index.ts';

const FILE = join(ROOT, 'docs', 'chaos.md');
const BEGIN = '<!-- results: written by npm run chaos -- all --write -->';
const END = '<!-- /results -->';
const NONE = 'No whole run has been written yet.';

/** What stands between the marks of a page; undefined when it has none. Pure. */
export function resultsIn(text: string): string | undefined {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  return from === -1 || to < from ? undefined : text.slice(from + BEGIN.length, to).trim();
}

/** The page with these results. Pure. */
export function chaosPageWith(results: string): string {
  const rows = SCENARIOS.map(({ name, what, seconds, expects }) => [
    `\`${name}\``,
    seconds > 0 ? `${what}, for ${seconds} s` : what,
    spelledExpectation(expects),
  ]);
  return page(
    'Chaos',
    `\`npm run chaos -- SCENARIO|all\` breaks a node under a load of ${RATE_PER_SECOND} requests a second that arrive on time whatever becomes of them (35 % GET, 10 % HEAD, 5 % Range, 5 % 304, 10 % by name; objects and names written; messages sent, received and acknowledged), mends it, waits until it is well, and asks for everything that was acknowledged. Where the registry is what breaks, readers of a log (${READS_PER_SECOND} a second, half of them of the head, every second of these with its tag) and signers who propose, approve and commit a version every ${ROUND_MS} ms are the load instead. What is about the mesh breaks three gateways that are peers of each other, each behind links of its own, as the ordinary users ask them in turn, and instead of one that takes no connections the next; afterwards they have to be connected again and their tables the same, what came in has to be merged or dropped for a reason, and \`ronctl audit verify\` recomputes the audit log of each. \`--quick\` keeps each fault up for a few seconds only. It takes root on Linux, as scenarios mount disks, limit groups and stop processes.`,
    'Well again is the beginning of the first full second after mending in which every kind of request was asked for and every one succeeded within a second. Lost is what was acknowledged and is not there: an object with its bytes, a name with its record or a later one, a message delivered and acknowledged, a version with its hash; after every scenario, whatever it broke, \`ronctl registry verify\` also recomputes the whole log of the node, from the signers it was given; a node whose scenarios write no version has eight from its beginning. A request without an answer may have taken effect or not. *Meanwhile* is from the fault until two seconds after recovery, when what had waited is answered; *before and after* is the rest.',
    table(['scenario', 'what is done', 'what has to hold'], rows),
    `## The last whole run\n\n${BEGIN}\n\n${results}\n\n${END}`,
  );
}

/** The page as it has to be: results are kept. */
export const chaosPage = (): string =>
  chaosPageWith((existsSync(FILE) ? resultsIn(readFileSync(FILE, 'utf8')) : undefined) ?? NONE);

/** A whole run as text: when, where, and the table. Pure. */
export function resultsOf(rows: readonly Row[], when: Date, machine: string): string {
  const cells = rows.map(({ name, ok, observed, recovery_s: recovery, lost }) => [
    `\`${name}\``,
    ok ? 'ok' : 'not ok',
    observed,
    recovery ?? 'never',
    lost,
  ]);
  const well = rows.filter(({ ok }) => ok).length;
  return [
    `${when.toISOString().slice(0, 10)}, ${machine}: ${well} of ${rows.length} as expected.`,
    table(['scenario', 'verdict', 'seen', 'recovery s', 'lost'], cells),
  ].join('\n\n');
}

const machine = (): string =>
  `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.version}`;

/** Puts a run into the page. */
export function writeResults(rows: readonly Row[]): void {
  writeFileSync(FILE, chaosPageWith(resultsOf(rows, new Date(), machine())));
}
