import type { FileHandle } from 'node:fs/promises';

/** Bytes of a line at most: no record is as long, and more is never held. */
const LINE_BYTES_MAX = 8_192;
const READ_BYTES = 262_144;
const LINE_FEED = 0x0a;

export interface FileLine {
  /** Without its end; of one that is too long, the beginning. */
  readonly bytes: Buffer;
  /** Whether a line feed ends it. */
  readonly ended: boolean;
  readonly tooLong: boolean;
}

/** The lines of a file as bytes, some hundred at a time. Nothing comes after one that is too long. Closes the file. */
export async function* fileLines(file: FileHandle, signal: AbortSignal): AsyncGenerator<readonly FileLine[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of file.createReadStream({ highWaterMark: READ_BYTES, signal }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const lines: FileLine[] = [];
    let from = 0;
    for (let end: number; (end = bytes.indexOf(LINE_FEED, from)) >= 0; from = end + 1)
      lines.push(lineOf(bytes.subarray(from, end), true));
    rest = bytes.subarray(from);
    if (rest.length > LINE_BYTES_MAX) lines.push(lineOf(rest, false));
    yield lines;
    if (lines.some(({ tooLong }) => tooLong)) return;
  }
  if (rest.length > 0) yield [lineOf(rest, false)];
}

const lineOf = (bytes: Buffer, ended: boolean): FileLine => ({
  bytes: bytes.subarray(0, LINE_BYTES_MAX),
  ended,
  tooLong: bytes.length > LINE_BYTES_MAX,
});
