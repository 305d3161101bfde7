import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ContentHasher, isContentId } from '@macronode/content';
import { Name, ObjectStored, ROUTES } from '@macronode/contracts';
import { EXIT } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { pathOf, refusalOf, type Answer, type NodeClient } from './node-client.ts';
import { Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';

export interface Stored {
  readonly id: string;
  readonly size: number;
  /** False when the node already had it. */
  readonly created: boolean;
  readonly corr_id: string;
}

export interface Fetched {
  readonly id: string;
  readonly size: number;
  readonly corr_id: string;
}

const OCTETS = { 'content-type': 'application/octet-stream' } as const;

async function* measured(
  source: AsyncIterable<Uint8Array>,
  hasher: ContentHasher,
  progress: Progress,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    hasher.update(chunk);
    progress.add(chunk.byteLength);
    yield chunk;
  }
}

/** Stores a file under the id it hashes to. A node that has it already takes no bytes. */
export async function putFile(client: NodeClient, terminal: Terminal, file: string): Promise<Stored> {
  const info = await stat(file);
  if (!info.isFile())
    throw new Failure(EXIT.error, `${file} is not a file`, { hint: 'pipe other things in: … | ronctl put -' });
  const id = await hashFile(terminal, file, info.size);
  const progress = new Progress(terminal, 'storing', info.size);
  const source = measured(createReadStream(file, { signal: terminal.signal }), new ContentHasher(), progress);
  try {
    return await store(client, {
      method: 'PUT',
      path: pathOf(ROUTES.objectPut.template, id),
      headers: { ...OCTETS, ...(info.size === 0 ? {} : { expect: '100-continue' }) },
      body: info.size === 0 ? new Uint8Array(0) : { source, size: info.size },
    });
  } finally {
    progress.end();
  }
}

/** Stores what standard input gives, in one pass, and checks that the node hashed the same bytes. */
export async function putStdin(client: NodeClient, terminal: Terminal): Promise<Stored> {
  const hasher = new ContentHasher();
  const progress = new Progress(terminal, 'storing');
  const source = measured(terminal.stdin as AsyncIterable<Uint8Array>, hasher, progress);
  try {
    const stored = await store(client, {
      method: 'POST',
      path: ROUTES.objectCreate.template,
      headers: OCTETS,
      body: { source },
    });
    const sent = hasher.digest();
    if (sent !== stored.id) {
      throw new Failure(EXIT.integrity, `sent ${sent}, but the node stored ${stored.id}`, { corrId: stored.corr_id });
    }
    return stored;
  } finally {
    progress.end();
  }
}

async function store(client: NodeClient, call: Parameters<NodeClient['send']>[0]): Promise<Stored> {
  const { value, answer } = await client.json(call, ObjectStored);
  return { id: value.id, size: value.size, created: answer.status === 201, corr_id: answer.corrId };
}

async function hashFile(terminal: Terminal, file: string, size: number): Promise<string> {
  const hasher = new ContentHasher();
  const progress = new Progress(terminal, 'hashing', size);
  try {
    const source = createReadStream(file, { signal: terminal.signal }) as AsyncIterable<Uint8Array>;
    for await (const chunk of source) {
      hasher.update(chunk);
      progress.add(chunk.byteLength);
    }
  } finally {
    progress.end();
  }
  return hasher.digest();
}

/**
 * Reads an object by id, or the one a name points to, and verifies every byte against the id.
 * With a file: it appears whole and verified, or not at all. On standard output the verdict is the exit code.
 */
export async function getObject(
  client: NodeClient,
  terminal: Terminal,
  what: string,
  file: string | undefined,
): Promise<Fetched> {
  const answer = await client.send({ method: 'GET', path: pathOfObject(what) });
  if (answer.status !== 200) throw await refusalOf(answer);
  const id = idOf(what, answer);
  const declared = answer.headers['content-length'];
  const progress = new Progress(terminal, 'reading', declared === undefined ? undefined : Number(declared));
  const hasher = new ContentHasher();
  const verified = measured(answer.body, hasher, progress);
  const check = (): void => {
    progress.end();
    const got = hasher.digest();
    if (got === id) return;
    throw new Failure(EXIT.integrity, `asked for ${id}, but the bytes hash to ${got}`, {
      corrId: answer.corrId,
      hint: 'nothing of it can be trusted; try another node',
    });
  };
  try {
    if (file === undefined) {
      await pipeline(verified, terminal.stdout, { end: false, signal: terminal.signal });
      check();
    } else {
      await writeVerified(file, verified, check, terminal.signal);
    }
  } catch (error) {
    throw brokenTransfer(error, answer, progress.amount);
  } finally {
    progress.end();
    answer.body.destroy();
  }
  return { id, size: progress.amount, corr_id: answer.corrId };
}

function pathOfObject(what: string): string {
  if (isContentId(what)) return pathOf(ROUTES.objectGet.template, what);
  if (!what.startsWith('b3:') && Name.safeParse(what).success) return pathOf(ROUTES.nameRead.template, what);
  throw new Failure(EXIT.usage, `${what} is neither a content id nor a name`, {
    hint: 'an id is b3: and 64 lower-case hex digits; a name is labels of a-z 0-9 _ - joined by dots',
  });
}

/** A name's object is verified against the id the node says the name points to. */
function idOf(what: string, answer: Answer): string {
  if (isContentId(what)) return what;
  const tagged = (answer.headers.etag ?? '').replaceAll('"', '');
  if (isContentId(tagged)) return tagged;
  throw new Failure(EXIT.integrity, 'the answer does not say which id it serves', { corrId: answer.corrId });
}

/** Temp file beside the target, checked, synced, then renamed over it. */
async function writeVerified(
  file: string,
  source: AsyncIterable<Uint8Array>,
  check: () => void,
  signal: AbortSignal,
): Promise<void> {
  const target = resolve(file);
  const temp = `${target}.${randomUUID()}.part`;
  try {
    const sink: Writable = createWriteStream(temp, { flags: 'wx', flush: true });
    await pipeline(source, sink, { signal });
    check();
    await rename(temp, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function brokenTransfer(error: unknown, answer: Answer, bytes: number): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code !== 'ECONNRESET' && code !== 'ERR_STREAM_PREMATURE_CLOSE') return error;
  return new Failure(EXIT.unavailable, `the node ended the transfer after ${bytes} bytes`, {
    corrId: answer.corrId,
    hint: 'try again; if it stays, the stored copy is damaged: look for the corr_id in the logs of the node',
    cause: error,
  });
}
