import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineTooLong, textLines } from './text-lines.ts';

async function* pieces(...all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of all) {
    await Promise.resolve();
    yield piece;
  }
}

async function collected(read: AsyncIterable<string>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of read) lines.push(line);
  return lines;
}

const linesOf = (maxBytes: number, ...all: readonly Uint8Array[]): Promise<string[]> =>
  collected(textLines(pieces(...all), maxBytes));

describe('the lines of a body', () => {
  it('are the same however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }).filter((line) => !line.includes('\n'))),
        fc.array(fc.nat(40)),
        async (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const all: Uint8Array[] = [];
          let from = 0;
          for (const cut of cuts) all.push(bytes.subarray(from, (from += cut)));
          expect(await linesOf(1_000, ...all, bytes.subarray(from))).toEqual(lines);
        },
      ),
    );
  });

  it('end with the body', async () => {
    expect(await linesOf(10, Buffer.from('a\n\nb'))).toEqual(['a', '', 'b']);
  });

  it('are only those that end when what nothing ends is to be dropped, also in the middle of a character', async () => {
    const bytes = Buffer.from('eins\nzwölf\n\nnicht zu En');
    for (const size of [1, 2, 3, bytes.length]) {
      const cut = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size).subarray(0, size),
      );
      expect(await collected(textLines(pieces(...cut), 100, 'dropped'))).toEqual(['eins', 'zwölf', '']);
    }
  });

  it('are bounded, ended or not', async () => {
    await expect(linesOf(4, Buffer.from('1234\n'), Buffer.from('123'), Buffer.from('45\n'))).rejects.toThrow(
      LineTooLong,
    );
    await expect(linesOf(4, Buffer.from('12345'))).rejects.toThrow(LineTooLong);
  });
});
