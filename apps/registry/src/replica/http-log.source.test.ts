import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { approve, canonicalPayload, makeLeaf } from '@macronode/log';
import { afterEach, describe, expect, it } from 'vitest';
import { signers } from '../log-fixture.ts';
import { HttpLogSource } from './http-log.source.ts';
import { AnswerFailed } from '../bounded-answer.ts';
import { UpstreamRefused } from './upstream-refused.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A log that answers as the test says: no registry of ours would. */
async function answering(listener: RequestListener | string): Promise<HttpLogSource> {
  const answer: RequestListener =
    typeof listener === 'string' ? (_request, response) => void response.end(listener) : listener;
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new HttpLogSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

const never = new AbortController().signal;
const [signer] = signers(1);

function lineOf(version: number): { line: string; leaf: string; payload: string; hash: string } {
  if (signer === undefined) throw new Error('no signer');
  const payload = {
    schema_version: '1.0.0' as const,
    log: 'registry.example/main',
    version,
    prev_hash: null,
    signer_set_version: 0,
    expires_at: '2026-12-31T00:00:00Z',
    kind: 'set' as const,
    items: [{ id: `node-${version}`, kind: 'node' }],
  };
  const canonical = canonicalPayload(payload);
  const approval = approve(signer.key, signer.id, canonical.hash, new Date(0));
  const { text, hash } = makeLeaf(payload, canonical, [approval], new Date(0));
  const line = `{"entry_b3":"${hash}","leaf":${text},"payload":${canonical.text}}`;
  return { line, leaf: text, payload: canonical.text, hash };
}

describe('the entries of a log that is followed', () => {
  it('are read with the texts that were hashed, however they are spelt', async () => {
    const [one, two] = [lineOf(1), lineOf(2)];
    const spaced = two.line.replaceAll('":', '" : ');
    const asked: string[] = [];
    const source = await answering((request, response) => {
      asked.push(request.url ?? '');
      response.end(`${one.line}\n${spaced}\n`);
    });
    const entries = await source.after(0, 10, never);
    expect(asked).toEqual(['/registry/log?after=0&limit=10']);
    expect(entries).toMatchObject([
      { version: 1, entryHash: one.hash, leaf: one.leaf, payload: one.payload },
      { version: 2, entryHash: two.hash, leaf: two.leaf, payload: two.payload },
    ]);
    expect(entries[0]?.entry.leaf.approvals).toHaveLength(1);
  });

  it('are no more than were asked for', async () => {
    const source = await answering([1, 2, 3].map((version) => `${lineOf(version).line}\n`).join(''));
    expect((await source.after(0, 2, never)).map(({ version }) => version)).toEqual([1, 2]);
  });

  it.each([
    ['another payload', (line: string) => line.replace('node-1', 'node-2')],
    ['another leaf', (line: string) => line.replace('"payload_size":', '"payload_size":1')],
  ])('are refused with %s', async (_what, change) => {
    const source = await answering(`${change(lineOf(1).line)}\n`);
    await expect(source.after(0, 10, never)).rejects.toBeInstanceOf(UpstreamRefused);
  });

  it.each([
    ['another hash', (line: string) => line.replace(/b3:[0-9a-f]/, 'b3:z')],
    ['a key twice', (line: string) => line.replace('{"entry_b3"', '{"leaf":{},"entry_b3"')],
    ['a field nobody knows', (line: string) => line.replace('"leaf":{', '"leaf":{"x":1,')],
    ['half an entry', (line: string) => line.slice(0, -10)],
  ])('cannot be read with %s', async (_what, change) => {
    const source = await answering(`${change(lineOf(1).line)}\n`);
    await expect(source.after(0, 10, never)).rejects.toBeInstanceOf(AnswerFailed);
  });

  it('are bounded, a line and all', async () => {
    const source = await answering((_request, response) => {
      response.on('error', () => undefined);
      const piece = Buffer.alloc(65_536, 'x');
      const more = (): void => {
        while (!response.destroyed && response.write(piece));
      };
      response.on('drain', more);
      more();
    });
    await expect(source.after(0, 10, never)).rejects.toThrow(/over/);
    await expect(source.head(never)).rejects.toThrow(/over/);
  });
});

describe('an answer of the log that is followed', () => {
  it('that is no 200 is an error, and a checkpoint that is not there is none', async () => {
    const source = await answering((_request, response) => void response.writeHead(404).end('{}'));
    await expect(source.head(never)).rejects.toMatchObject({ status: 404 });
    expect(await source.checkpoint(never)).toBeUndefined();
  });

  it('that leads elsewhere is not followed', async () => {
    const source = await answering((_request, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    });
    await expect(source.head(never)).rejects.toThrow();
  });

  it('is given up when it is not wanted any more', async () => {
    const leaving = new AbortController();
    const source = await answering(() => leaving.abort(new Error('left')));
    await expect(source.head(leaving.signal)).rejects.toThrow('left');
  });
});
