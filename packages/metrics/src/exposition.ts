import { setImmediate as turn } from 'node:timers/promises';
import { type Metric, Registry } from 'prom-client';
import type { Exposition } from './accept.ts';
import type { Family, Sample } from './family.ts';

/** Lines rendered before the event loop has a turn: about half a millisecond of text. */
const LINES_PER_TURN = 250;

/** What prom-client asks of a metric. */
interface Rendered {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: 'sum';
  readonly values: readonly Sample[];
}

/** How prom-client puts families one after the other, and ends. */
const FORMATS = Object.freeze({
  classic: { contentType: Registry.PROMETHEUS_CONTENT_TYPE, between: '\n\n', end: '\n' },
  openmetrics: { contentType: Registry.OPENMETRICS_CONTENT_TYPE, between: '\n', end: '\n# EOF\n' },
});

export const contentTypeOf = (format: Exposition): string => FORMATS[format].contentType;

/** A family as it is now, as prom-client renders it. In OpenMetrics the name of a counter is without `_total`. */
function pictureOf(family: Family, format: Exposition): Rendered {
  const { name, help, type } = family;
  const shown = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
  return { name: shown, help, type, aggregator: 'sum', values: family.samples() };
}

/** prom-client's text of some lines of a family, without what it ends an exposition with. */
async function textOf(rendered: Rendered, format: Exposition): Promise<string> {
  const { contentType, end } = FORMATS[format];
  const registry = new Registry<typeof contentType>();
  registry.setContentType(contentType);
  // prom-client asks no more of a metric than `name` and `get()`; its types name its own classes only.
  registry.registerMetric({ ...rendered, get: () => Promise.resolve(rendered) } as unknown as Metric);
  return (await registry.metrics()).slice(0, -end.length);
}

/** The lines of a text but its first two, HELP and TYPE. */
const withoutHead = (text: string): string => text.slice(text.indexOf('\n', text.indexOf('\n') + 1) + 1);

/**
 * The text of an exposition, rendered by prom-client, a few lines a turn of the event loop, so that a scrape delays nobody.
 * All values are read first and at once: an exposition shows one moment.
 */
export async function expose(families: Iterable<Family>, format: Exposition): Promise<string> {
  const pictures = [...families].map((family) => pictureOf(family, format));
  const texts: string[] = [];
  let lines = 0;
  for (const picture of pictures) {
    const pieces: string[] = [];
    for (let from = 0; from === 0 || from < picture.values.length; from += LINES_PER_TURN) {
      const values = picture.values.slice(from, from + LINES_PER_TURN);
      const text = await textOf({ ...picture, values }, format);
      pieces.push(from === 0 ? text : withoutHead(text));
      lines += values.length;
      if (lines < LINES_PER_TURN) continue;
      lines = 0;
      await turn();
    }
    texts.push(pieces.join('\n'));
  }
  const { between, end } = FORMATS[format];
  return texts.join(between) + end;
}
