/** The text format of a scrape. */
export type Exposition = 'classic' | 'openmetrics';

/** What we answer with, and the versions that ask for it; a range without a version asks for any. */
const OPEN = Object.freeze({ ranges: ['application/openmetrics-text'], version: '1.0.0' });
/** From the most specific range to the least, which is the order in which they decide. */
const CLASSIC = Object.freeze({ ranges: ['text/plain', 'text/*', '*/*'], version: '0.0.4' });

interface MediaRange {
  readonly type: string;
  readonly version: string | undefined;
  /** 0 to 1. */
  readonly quality: number;
}

function rangeOf(text: string): MediaRange {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim().toLowerCase());
  const parameters = new Map(
    rest.map((part): readonly [string, string] => {
      const [name = '', value = ''] = part.split('=', 2);
      return [name.trim(), value.trim().replace(/^"(.*)"$/, '$1')];
    }),
  );
  const quality = Number(parameters.get('q') ?? 1);
  return { type, version: parameters.get('version'), quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** How much a format is wanted: the most specific range that fits decides, of equals the best. */
function qualityOf(ranges: readonly MediaRange[], format: typeof OPEN | typeof CLASSIC): number {
  for (const wanted of format.ranges) {
    const fitting = ranges.filter(
      ({ type, version }) => type === wanted && (version === undefined || version === format.version),
    );
    if (fitting.length > 0) return Math.max(...fitting.map(({ quality }) => quality));
  }
  return 0;
}

/**
 * The format a scraper asks for in its Accept header (RFC 9110, 12.5.1): OpenMetrics where it is named in a version we speak
 * and wanted no less than the classic format; else, and where the header cannot be met, the classic format. Pure.
 */
export function expositionFor(accept: string | undefined): Exposition {
  const ranges = (accept ?? '').split(',').map(rangeOf);
  const open = qualityOf(ranges, OPEN);
  return open > 0 && open >= qualityOf(ranges, CLASSIC) ? 'openmetrics' : 'classic';
}
