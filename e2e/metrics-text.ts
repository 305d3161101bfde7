import { Client } from './client.ts';
import { opsOf } from './target.ts';
import type { ServiceName } from '@macronode/contracts';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** Samples of a scrape in the Prometheus text format. */
function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = LINE.exec(line);
    if (match === null) throw new Error(`not a metrics line: ${line}`);
    const labels = Object.fromEntries(
      [...(match[2] ?? '').matchAll(LABEL)].map(([, name = '', value = '']) => [name, value]),
    );
    samples.push({ name: match[1] ?? '', labels, value: Number(match[3]) });
  }
  return samples;
}

/** Series about the process as a whole carry its name, which is one service's or this. */
const WHOLE_PROCESS = 'micronode';

/** One scrape of every instance of a service; of a shared ops port, the series of that service and of the process. */
export async function scrape(service: ServiceName): Promise<Sample[]> {
  const perInstance = await Promise.all(
    opsOf(service).map(async (url) => parseMetrics((await new Client({ url }).get('/metrics')).text)),
  );
  return perInstance.flat().filter(({ labels }) => [undefined, service, WHOLE_PROCESS].includes(labels['service']));
}

/** The sum of all series of a service that carry these labels. */
export async function sumOf(service: ServiceName, name: string, labels: Record<string, string> = {}): Promise<number> {
  const wanted = Object.entries(labels);
  return (await scrape(service))
    .filter((sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
