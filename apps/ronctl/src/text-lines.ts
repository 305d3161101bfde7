import { EXIT } from './exit-codes.ts';
import { Failure } from './failure.ts';

/** Characters of the longest line: the largest entry of a registry is a quarter of it. More would be held in memory. */
const LINE_CHARS_MAX = 4 * 1024 * 1024;

/** The lines of UTF-8 bytes as they come, without their ends. What has no end is no line: it may have been cut off. */
export async function* textLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
    if (rest.length > LINE_CHARS_MAX)
      throw new Failure(EXIT.error, `a line of the answer is over ${LINE_CHARS_MAX} characters`);
  }
}
