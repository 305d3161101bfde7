import { styleText } from 'node:util';
import type { Readable, Writable } from 'node:stream';

/** Where a command reads and writes. Tests hand in their own streams. */
export interface Terminal {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** Colours `text` when it goes to a terminal and NO_COLOR is not set. */
export function paint(terminal: Terminal, colour: Colour, text: string): string {
  const on = terminal.stdoutIsTty && (terminal.env['NO_COLOR'] ?? '') === '';
  return on ? styleText(colour, text, { validateStream: false }) : text;
}

/** Prints one JSON document, or the lines made for people. */
export function print(terminal: Terminal, json: boolean, value: unknown, lines: () => readonly string[]): void {
  const text = json ? JSON.stringify(value) : lines().join('\n');
  terminal.stdout.write(text === '' ? '' : `${text}\n`);
}

/** A note for the person at the keyboard: never part of the output a script reads. */
export function note(terminal: Terminal, text: string): void {
  terminal.stderr.write(`${text}\n`);
}

/** Columns as wide as their widest cell; `painted` cells may carry colour codes that take no width. */
export function table(
  rows: readonly (readonly string[])[],
  paintCell: (cell: string, column: number) => string,
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => paintCell(cell, column) + ' '.repeat((widths[column] ?? 0) - cell.length))
      .join('  ')
      .trimEnd(),
  );
}
