import {
  formatAddCheckpoint,
  parseKnownSize,
  parseSignatureLines,
  parseSignedCheckpoint,
  TlogMalformed,
  TREE_SIZE_MEDIA_TYPE,
} from '@macronode/log';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { readText } from '../node-client.ts';
import type { RegistryClient } from './registry-client.ts';

/** The witness may have gone on between its answer and ours. */
const ATTEMPTS = 3;
/** Bytes of an answer that are read: a line of an ML-DSA-44 cosigner is 3.3 KB, and a witness signs with a key or two. */
const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * Has a witness cosign a checkpoint (C2SP tlog-witness). The first try says it knows nothing of the log; the answer
 * names the size it knows, and the next try proves that the checkpoint continues that. Resolves with its lines.
 */
export async function submitCheckpoint(
  client: RegistryClient,
  text: string,
  to: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  const checkpoint = parseSignedCheckpoint(text);
  const { size } = checkpoint.checkpoint;
  let oldSize = 0;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const hashes = oldSize === 0 || oldSize === size ? [] : (await client.consistency(oldSize, size)).hashes;
    const consistency = hashes.map((hash) => Buffer.from(hash, 'base64'));
    const body = formatAddCheckpoint({ oldSize, consistency, checkpoint });
    const answer = await post(`${to}/add-checkpoint`, body, timeoutMs, signal);
    if (answer.status === 200) return linesOf(answer.text);
    const known = knownSize(answer);
    if (known === undefined || known === oldSize) throw refusal(answer, to);
    if (known > size) {
      throw new Failure(EXIT.integrity, `the witness has seen ${known} entries, this node shows ${size}`, {
        hint: 'the node is behind, or the log was set back; compare with: ronctl registry verify',
      });
    }
    oldSize = known;
  }
  throw new Failure(EXIT.unavailable, 'the witness went on with every try', { hint: 'try again' });
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

async function post(url: string, body: string, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await readText(answer.body ?? [], ANSWER_BYTES_MAX, WITNESS_HINT);
    return { status: answer.status, type: answer.headers.get('content-type') ?? '', text };
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (signal.aborted) throw new Failure(EXIT.interrupted, 'interrupted');
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Failure(EXIT.unavailable, `the witness at ${url} does not answer (${code ?? message})`, { cause: error });
  }
}

function linesOf(text: string): string {
  try {
    parseSignatureLines(text);
    return text;
  } catch (cause) {
    if (!(cause instanceof TlogMalformed)) throw cause;
    throw new Failure(EXIT.error, `the witness answered no cosignatures: ${cause.message}`, {
      hint: WITNESS_HINT,
      cause,
    });
  }
}

function knownSize({ status, type, text }: Answer): number | undefined {
  if (status !== 409 || !type.startsWith(TREE_SIZE_MEDIA_TYPE)) return undefined;
  try {
    return parseKnownSize(text);
  } catch {
    return undefined;
  }
}

const WITNESS_HINT = 'is --to the submission address of a witness, without add-checkpoint?';

interface Meaning {
  readonly exitCode: ExitCode;
  readonly why: string;
  readonly hint: string;
}

const LATER = 'the checkpoint stands as it is: try again later';
const ANOTHER_LOG =
  'two logs go by this name, or one was set back: compare with ronctl registry verify, and ask the witness';

const MEANING: Readonly<Record<number, Meaning>> = {
  403: {
    exitCode: EXIT.error,
    why: 'it does not know the key of this log',
    hint: 'give whoever runs it the key of the log: ronctl registry signers',
  },
  404: { exitCode: EXIT.notFound, why: 'it does not witness this log, or there is no witness', hint: WITNESS_HINT },
  409: { exitCode: EXIT.integrity, why: 'it knows another log under this name and size', hint: ANOTHER_LOG },
  422: {
    exitCode: EXIT.integrity,
    why: 'the proof that the checkpoint continues what it knows does not verify',
    hint: ANOTHER_LOG,
  },
  429: { exitCode: EXIT.unavailable, why: 'it is asked too often', hint: LATER },
  503: { exitCode: EXIT.unavailable, why: 'it takes nothing right now', hint: LATER },
};

function refusal({ status }: Answer, to: string): Failure {
  const unknown = { exitCode: EXIT.error, why: 'it gives no reason', hint: WITNESS_HINT };
  const { exitCode, why, hint } = MEANING[status] ?? unknown;
  return new Failure(exitCode, `the witness at ${to} refused (${status}): ${why}`, { status, hint });
}
