import type { Row } from './run.ts';
import type { Scenario } from './scenario.ts';

const coloured = (code: number, text: string): string =>
  process.stdout.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text;
const word = (ok: boolean): string => (ok ? coloured(32, 'ok ') : coloured(31, 'BAD'));
const recovery = ({ recovery_s: seconds }: Row): string => (seconds === null ? 'never' : seconds.toFixed(1));

const started = performance.now();
const say = (text: string): void => {
  process.stdout.write(`${((performance.now() - started) / 1_000).toFixed(0).padStart(5)} s  ${text}\n`);
};

/** What is said while scenarios run. */
export const progress = {
  begin: (place: string, { name, what }: Scenario, seconds: number): void =>
    say(`${place} ${name}: ${what}${seconds > 0 ? `, for ${seconds} s` : ''}`),
  end: (place: string, row: Row): void =>
    say(`${place} ${word(row.ok)} ${row.name}: recovered in ${recovery(row)} s, lost ${row.lost}; ${row.observed}`),
};

/** Longer text is for the JSON. */
const CELL_CHARS = 90;
const cut = (text: string): string => (text.length > CELL_CHARS ? `${text.slice(0, CELL_CHARS - 1)}…` : text);

/** The table at the end of a run. */
export function outcomeTable(rows: readonly Row[]): string {
  const head = ['scenario', 'ok', 'expected', 'observed', 'recovery s', 'lost'];
  const cells = rows.map((row) => [
    row.name,
    row.ok ? 'ok' : 'BAD',
    cut(row.expected),
    cut(row.observed),
    recovery(row),
    String(row.lost),
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...cells.map(line)].join('\n');
}
