/** How long a process may take to render its metrics. */
const ANSWER_TIMEOUT_MS = 10_000;

/** What processes show on their ops ports, all of them together. */
export interface Scrape {
  readonly families: ReadonlySet<string>;
  /** Values of all series of a name that have these labels. */
  series(name: string, labels?: Labels): readonly number[];
  /** Of all series of a name, summed; 0 when it has none. */
  total(name: string): number;
}

type Labels = Readonly<Record<string, string>>;

/** Of running processes, by their ops addresses. Throws when one does not answer. */
export async function scrape(ops: readonly string[]): Promise<Scrape> {
  const texts = await Promise.all(
    ops.map(async (url) => {
      const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      if (!response.ok) throw new Error(`${url}/metrics answered ${response.status}`);
      return response.text();
    }),
  );
  return readMetrics(texts.join('\n'));
}

/** The sum of one metric of one running process. */
export const askedSum = async (ops: string, name: string): Promise<number> => (await scrape([ops])).total(name);

/** Reads the text format of Prometheus, as far as sums need it: a family counts when it has a series. */
export function readMetrics(text: string): Scrape {
  const families = new Set<string>();
  const found = new Map<string, { readonly labels: string; readonly value: number }[]>();
  for (const line of text.split('\n')) {
    const parts = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)/.exec(line);
    if (parts === null) continue;
    const [, name = '', labels = '', value = ''] = parts;
    families.add(name.replace(/_bucket$/, ''));
    const known = found.get(name);
    if (known === undefined) found.set(name, [{ labels, value: Number(value) }]);
    else known.push({ labels, value: Number(value) });
  }
  const series = (name: string, labels: Labels = {}): readonly number[] => {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const all = found.get(name) ?? [];
    return all.filter((one) => wanted.every((pair) => one.labels.includes(pair))).map(({ value }) => value);
  };
  return { families, series, total: (name) => series(name).reduce((sum, value) => sum + value, 0) };
}
