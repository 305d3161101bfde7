import { createHash } from 'node:crypto';
import type { Place } from './chain-broken.ts';
import type { FileLine } from './file-lines.ts';

/** Bytes a node tells of as torn at most: more is no interrupted write. */
const TORN_BYTES_MAX = 65_536;
const LINE_FEED = Buffer.from('\n');
/** How the marker begins that a node writes first: one that was killed while it did leaves this. */
const MARKER_BEGINS = '{"seq":0,"ts":"';

/** Lines that are no records, from the last record to the next: what interrupted writes left, if the next marker says so. */
export class TornBytes {
  readonly from: Place;
  readonly #parts: Buffer[] = [];
  #bytes = 0;
  #lines = 0;
  #last: FileLine | undefined;

  constructor(from: Place) {
    this.from = from;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False when it is too much to be torn. */
  add(line: FileLine): boolean {
    this.#parts.push(line.bytes, ...(line.ended ? [LINE_FEED] : []));
    this.#bytes += line.bytes.length + (line.ended ? 1 : 0);
    this.#lines += 1;
    this.#last = line;
    return this.#bytes <= TORN_BYTES_MAX + 1;
  }

  /** Whether a marker tells of exactly these bytes, with or without the line feed it put behind them. */
  toldBy(bytes: unknown, sha256: unknown): boolean {
    if (bytes !== this.#bytes && bytes !== this.#bytes - 1) return false;
    const all = Buffer.concat(this.#parts).subarray(0, bytes);
    return createHash('sha256').update(all).digest('hex') === sha256;
  }

  /** Whether a log may end like this: in the middle of a line; or in the middle of the marker behind such a line. */
  get mayEnd(): boolean {
    const last = this.#last;
    if (last === undefined || last.ended) return false;
    if (this.#lines === 1) return true;
    const text = last.bytes.toString('latin1');
    return text.startsWith(MARKER_BEGINS) || MARKER_BEGINS.startsWith(text);
  }
}
