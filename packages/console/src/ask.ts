import { CONSOLE_LIMITS } from './history/limits.ts';
import type { OpsAnswers } from './instance.ts';

/** A process did not give its answers; the message is what the page shows. */
class PeerProblem extends Error {
  override readonly name = 'PeerProblem';
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > CONSOLE_LIMITS.answerBytes) throw new PeerProblem(`answer over ${CONSOLE_LIMITS.answerBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'name not found',
  EAI_AGAIN: 'name not found',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
};

/** Why asking failed, in a few words. */
export function problemOf(error: unknown): string {
  if (error instanceof PeerProblem) return error.message;
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `no answer within ${CONSOLE_LIMITS.peerTimeoutMs} ms`;
  const { cause } = error as { cause?: { code?: string } };
  return CAUSES[cause?.code ?? ''] ?? 'not the answer of an ops port';
}

/** Asks the ops port of another process: all three answers within one timeout, each of bounded size. */
export async function askPeer(url: string, timeoutMs: number = CONSOLE_LIMITS.peerTimeoutMs): Promise<OpsAnswers> {
  const signal = AbortSignal.timeout(timeoutMs);
  const get = async (path: string, accept: string): Promise<string> => {
    const response = await fetch(`${url}${path}`, { signal, redirect: 'error', headers: { accept } });
    // A process that is not ready says so with 503, and says what is missing.
    if (!response.ok && response.status !== 503) throw new PeerProblem(`${path} answered ${response.status}`);
    return readBounded(response);
  };
  const [readiness, version, metrics] = await Promise.all([
    get('/readyz', 'application/json'),
    get('/version', 'application/json'),
    get('/metrics', 'text/plain;version=0.0.4'),
  ]);
  return { readiness: JSON.parse(readiness) as unknown, version: JSON.parse(version) as unknown, metrics };
}
