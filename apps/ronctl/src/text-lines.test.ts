import { expect, test } from 'vitest';
import { textLines } from './text-lines.ts';

test('lines are whole whatever the chunks, also in the middle of a character; what has no end is none', async () => {
  const bytes = Buffer.from('eins\nzwölf\n\nnicht zu En');
  for (const size of [1, 2, 3, bytes.length]) {
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    };
    const lines: string[] = [];
    for await (const line of textLines(chunks())) lines.push(line);
    expect(lines).toEqual(['eins', 'zwölf', '']);
  }
});
