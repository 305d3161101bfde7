// The result of a benchmark as a part of a page, between two marks that name it.
import { type BenchResult, type CaseResult, isMet } from './bench-harness.ts';

const begin = (name: string): string => `<!-- bench ${name}: written by npm run bench -- ${name} --page -->`;
const end = (name: string): string => `<!-- /bench ${name} -->`;

interface Column {
  readonly title: string;
  /** The cell; undefined where the case has no such number. */
  readonly cell: (result: CaseResult) => string | undefined;
}

const number = (value: number | undefined, digits = 4): string | undefined =>
  value === undefined || Number.isNaN(value)
    ? undefined
    : Number(value.toPrecision(digits)).toLocaleString('en', { maximumFractionDigits: 2 });

const ms = (micros: number | undefined): string | undefined =>
  micros === undefined ? undefined : number(micros / 1_000, 3);

const errorsOf = ({ errors }: CaseResult): string | undefined =>
  errors === undefined
    ? undefined
    : Object.entries(errors)
        .map(([error, count]) => `${count} ${error}`)
        .join(', ') || '0';

const COLUMNS: readonly Column[] = [
  { title: 'case', cell: (result) => result.case },
  { title: 'median', cell: ({ median }) => number(median) },
  { title: 'unit', cell: ({ unit }) => unit },
  { title: 'p50 ms', cell: ({ p50 }) => ms(p50) },
  { title: 'p95 ms', cell: ({ p95 }) => ms(p95) },
  { title: 'p99 ms', cell: ({ p99 }) => ms(p99) },
  { title: 'µs client', cell: ({ cpu_us }) => number(cpu_us?.['client'], 3) },
  { title: 'µs server', cell: ({ cpu_us }) => number(cpu_us?.['server'], 3) },
  ...['micronode', 'gateway', 'omnigate', 'index', 'storage', 'mailbox', 'registry'].map((name) => ({
    title: `µs ${name}`,
    cell: ({ cpu_us }: CaseResult) => number(cpu_us?.[name], 3),
  })),
  { title: 'µs Redis', cell: ({ cpu_us }) => number(cpu_us?.['redis'], 3) },
  { title: 'µs all', cell: ({ cpu_us }) => number(cpu_us?.['total'], 3) },
  { title: 'allocations', cell: (result) => number(result.allocs_per_op, 3) },
  { title: 'B heap', cell: (result) => number(result.heap_bytes_per_op, 3) },
  { title: 'B buffers', cell: (result) => number(result.buffer_bytes_per_op, 3) },
  { title: 'errors', cell: errorsOf },
  {
    title: 'noisy',
    cell: ({ noisy_runs, runs }) => (noisy_runs === undefined ? undefined : `${noisy_runs} of ${runs}`),
  },
];

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, at) => Math.max(3, cell.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** Tables of cases, ratios and goals, with the date, the machine and the command that made them. Pure. */
export function markdownOf(result: BenchResult): string {
  const { name, date, machine, cases, ratios, goals = [] } = result;
  const columns = COLUMNS.filter(({ cell }) => cases.some((one) => cell(one) !== undefined));
  const goalOf = (ratio: string): string => {
    const goal = goals.find((each) => each.name === ratio);
    return goal === undefined ? '' : `${goal.is} ${goal.bound}: ${isMet(goal) ? 'met' : 'short'}`;
  };
  const measured = [
    ...Object.entries(ratios),
    ...goals.filter((goal) => !(goal.name in ratios)).map((goal) => [goal.name, goal.measured] as const),
  ];
  const parts = [
    `\`npm run bench -- ${name}\`, ${date.slice(0, 10)}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}.`,
    tableOf(
      columns.map(({ title }) => title),
      cases.map((one) => columns.map(({ cell }) => cell(one) ?? '')),
    ),
  ];
  if (measured.length > 0) {
    const rows = measured.map(([ratio, value]) => [ratio, number(value) ?? '', goalOf(ratio)]);
    parts.push(tableOf(['ratio or bound', 'measured', 'goal'], rows));
  }
  return parts.join('\n\n');
}

/** The page with the part of this benchmark replaced. Throws when the page has no marks for it. Pure. */
export function pageWith(page: string, result: BenchResult): string {
  const [from, to] = [page.indexOf(begin(result.name)), page.indexOf(end(result.name))];
  if (from === -1 || to < from) throw new Error(`the page has no '${begin(result.name)}' … '${end(result.name)}'`);
  return `${page.slice(0, from)}${begin(result.name)}\n\n${markdownOf(result)}\n\n${page.slice(to)}`;
}
