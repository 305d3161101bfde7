/** One line of a scrape. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What follows the value (a timestamp, an exemplar) is not read. */
const LINE = /^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? (\S+)/;
const LABEL = /([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

const unescaped = (text: string): string => text.replace(/\\[n"\\]/g, (pair) => ESCAPED[pair] ?? pair);

function numberOf(text: string): number {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

/**
 * The samples of a scrape in the Prometheus text format whose names are wanted; lines of others are not even taken
 * apart. A line that is none is passed over: a console shows what it can.
 */
export function* readSamples(text: string, wanted: { has(name: string): boolean }): Generator<Sample> {
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end === -1 ? text.length : end);
    from = end === -1 ? text.length : end + 1;
    const name = /^[^{ ]*/.exec(line)?.[0] ?? '';
    if (!wanted.has(name)) continue;
    const match = LINE.exec(line);
    if (match === null) continue;
    const labels: Record<string, string> = {};
    for (const [, label = '', value = ''] of (match[2] ?? '').matchAll(LABEL)) labels[label] = unescaped(value);
    yield { name, labels, value: numberOf(match[3] ?? '') };
  }
}
