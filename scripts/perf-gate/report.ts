import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cell, Judgement } from './judgement.ts';
import type { Recording } from './recording.ts';
import { RULES } from './rules.ts';

const HEAD = ['flow', 'rule', 'base', 'tree', 'tree/base', 'interval', 'verdict', '', 'note'] as const;
const MIB = 1_024 ** 2;
const OUTCOMES = { passes: 'ok', fails: 'FAILS', waived: 'waived', 'not judged': '-' } as const;

const FORMATS: Readonly<Record<string, (value: number) => string>> = {
  p95: (value) => `${value.toFixed(2)} ms`,
  throughput: (value) => `${Math.round(value)}/s`,
  cpu: (value) => `${Math.round(value)} µs`,
  memory: (value) => `${Math.round(value / MIB)} MiB`,
};
const percent = (value: number): string => `${(value * 100).toFixed(3)} %`;

function rowOf(cell: Cell): readonly string[] {
  const format = FORMATS[cell.rule] ?? percent;
  const show = (value: number | undefined): string => (value === undefined ? '' : format(value));
  return [
    cell.flow,
    cell.rule,
    show(cell.base),
    show(cell.tree),
    cell.ratio?.toFixed(3) ?? '',
    cell.interval === undefined ? '' : cell.interval.map((end) => end.toFixed(3)).join(' – '),
    cell.verdict,
    OUTCOMES[cell.outcome],
    cell.note,
  ];
}

/** The table for a terminal: comparisons in full, and of the rest what is not simply kept. */
export function table({ cells, faults, passes }: Judgement, isColoured: boolean): string {
  const compared = new Set<string>(RULES.map(({ name }) => name));
  const shown = cells.filter(({ rule, verdict }) => compared.has(rule) || verdict === 'broken');
  const kept = cells.filter((cell) => !shown.includes(cell) && cell.verdict === 'kept').length;
  const later = [...new Set(cells.filter(({ verdict }) => verdict === 'not due').map(({ note }) => note))];
  const rows = [HEAD, ...shown.map(rowOf)];
  const widths = HEAD.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const paint = (line: string): string =>
    isColoured && line.includes(OUTCOMES.fails) ? `\u001b[31m${line}\u001b[0m` : line;
  const lines = rows.map((row) =>
    paint(
      row
        .map((text, at) => text.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
  );
  return [
    ...lines,
    '',
    `${kept} error budgets and metric checks kept`,
    ...later.map((note) => `not due: ${note}`),
    ...faults.map((fault) => `waivers: ${fault}`),
    passes ? 'The performance gate passes.' : 'The performance gate FAILS.',
    '',
  ].join('\n');
}

/** The whole table as a page, with the run it is made of beside it. */
export function writeReport(dir: string, recording: Recording, judgement: Judgement): void {
  mkdirSync(dir, { recursive: true });
  const { base, tree, profile, machine, recordedAt, seededCpuPercent } = recording;
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const page = [
    `# Performance gate: ${judgement.passes ? 'passes' : 'fails'}`,
    '',
    `Working tree ${tree} against ${base}, ${profile}, ${recordedAt}. ${machine.cores} × ${machine.cpu}, Node ${machine.node}.`,
    ...(seededCpuPercent > 0 ? [`The working tree was made to use ${seededCpuPercent} % more CPU per request.`] : []),
    '',
    row(HEAD.map((title) => title || 'outcome')),
    row(HEAD.map(() => '---')),
    ...judgement.cells.map((cell) => row(rowOf(cell))),
    '',
    ...judgement.faults.map((fault) => `- waivers: ${fault}`),
  ];
  writeFileSync(join(dir, `perf-gate-${profile}.md`), `${page.join('\n').trimEnd()}\n`);
  writeFileSync(join(dir, `perf-gate-${profile}.json`), `${JSON.stringify({ judgement, recording }, null, 2)}\n`);
}
