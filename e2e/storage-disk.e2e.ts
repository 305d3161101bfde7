import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { client, openSocket } from './client.ts';
import { absentId, freshObject } from './content.ts';
import { until } from './poll.ts';
import { dataFolder } from './target.ts';

/** Every file under a folder, by its name alone. */
async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

const folder = dataFolder('storage');

test('a large object is one file named by its hash, and uploads cut off leave no temp file', async () => {
  const kept = freshObject(1_000_000);
  expect((await client.put(`/o/${kept.id}`, kept.bytes)).status).toBe(201);
  expect(await filesUnder(join(folder, 'objects'))).toContain(kept.id.slice('b3:'.length));
  const cut = freshObject(1_000_000);
  for (let i = 0; i < 5; i += 1) {
    const socket = await openSocket();
    socket.on('error', () => undefined);
    const head = `PUT /o/${cut.id} HTTP/1.1\r\nHost: n\r\nContent-Length: ${cut.bytes.length}\r\n\r\n`;
    await new Promise<void>((done) =>
      socket.write(Buffer.concat([Buffer.from(head), cut.bytes.subarray(0, 700_000)]), () => done()),
    );
    socket.destroy();
  }
  const wrong = await client.put(`/o/${absentId()}`, cut.bytes);
  expect(wrong.status).toBe(422);
  await until(async () => (await filesUnder(join(folder, 'tmp'))).length === 0, {
    what: 'the temp folder to be empty',
  });
  const names = await filesUnder(join(folder, 'objects'));
  expect(names).not.toContain(cut.id.slice('b3:'.length));
});
