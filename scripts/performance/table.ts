/** A row of the table of targets in docs/performance.md. */
export interface TargetRow {
  readonly id: string;
  readonly target: string;
  readonly measured: string;
  readonly command: string;
  readonly machine: string;
  readonly verdict: string;
}

/** Rows of every table whose first column is `id`. Cells are trimmed; code marks around an id are taken away. */
export function targetRows(page: string): readonly TargetRow[] {
  const rows: TargetRow[] = [];
  let inTable = false;
  for (const line of page.split('\n')) {
    if (!line.startsWith('|')) {
      inTable = false;
      continue;
    }
    const [id = '', target = '', measured = '', command = '', machine = '', verdict = ''] = line
      .slice(1, line.lastIndexOf('|'))
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim());
    if (id === 'id') inTable = true;
    else if (inTable && !/^-+$/.test(id))
      rows.push({ id: id.replaceAll('`', ''), target, measured, command, machine, verdict });
  }
  return rows;
}

const VERDICTS = /^(met|short: .+|part (?:[5-9]|10)(?:: .+)?|not run: .+)$/;

/** What is wrong with a row: nothing, when it says what was wanted, what was seen, how, where and what that means. */
export function rowFaults({ id, target, measured, command, machine, verdict }: TargetRow): string[] {
  const faults: string[] = [];
  const missing = Object.entries({ target, measured, machine }).filter(([, cell]) => cell === '');
  for (const [cell] of missing) faults.push(`${id}: no ${cell}`);
  if (!/`npm (?:test|run \S+)/.test(command)) faults.push(`${id}: no command`);
  if (!VERDICTS.test(verdict))
    faults.push(`${id}: the verdict is neither met, nor short with its reason, nor a part to come`);
  return faults;
}

/** Verbs and names of benchmarks the command of a row calls, to be looked for. */
export function calledBy({ command }: TargetRow): { readonly verbs: string[]; readonly benches: string[] } {
  const calls = [...command.matchAll(/npm (?:run )?([\w:]+)(?: -- ([\w-]+))?/g)];
  const verbs = calls.map(([, verb = '']) => verb);
  const benches = calls.flatMap(([, verb, name]) => (verb === 'bench' && name !== undefined ? [name] : []));
  return { verbs, benches };
}
