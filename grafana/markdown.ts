/** What every derived page begins with. */
const NOTICE = '<!-- Written by `npm run generate`; edits are lost. -->';

export type Cell = string | number;

/** Text that stays in its cell. */
const cell = (text: Cell): string => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (cells: readonly Cell[]): string => `| ${cells.map(cell).join(' | ')} |`;

/** A table; bars and line breaks in cells are escaped. */
export const table = (head: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

/** A derived page of these parts. */
export const page = (title: string, ...parts: readonly string[]): string =>
  `${[NOTICE, `# ${title}`, ...parts].join('\n\n')}\n`;
