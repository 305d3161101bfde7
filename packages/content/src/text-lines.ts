/** Thrown for a line that is longer than any honest one. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong';
}

const LINE_FEED = 0x0a;

/**
 * The lines of a body as it arrives, without their ends. A last one that nothing ends is a line too, unless it is to be
 * dropped: it may have been cut off. Throws {@link LineTooLong} over `maxBytes`: no more than that is ever held. Leaving
 * the loop early lets go of the body.
 */
export async function* textLines(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
  unended: 'kept' | 'dropped' = 'kept',
): AsyncGenerator<string, void, undefined> {
  const pieces: Uint8Array[] = [];
  let held = 0;
  const hold = (piece: Uint8Array): void => {
    held += piece.length;
    if (held > maxBytes) throw new LineTooLong(`a line is over ${String(maxBytes)} bytes`);
    pieces.push(piece);
  };
  const take = (): string => {
    const text = Buffer.concat(pieces).toString();
    pieces.length = 0;
    held = 0;
    return text;
  };
  for await (const piece of body) {
    let from = 0;
    for (let end: number; (end = piece.indexOf(LINE_FEED, from)) >= 0; from = end + 1) {
      hold(piece.subarray(from, end));
      yield take();
    }
    if (from < piece.length) hold(piece.subarray(from));
  }
  if (held > 0 && unended === 'kept') yield take();
}
