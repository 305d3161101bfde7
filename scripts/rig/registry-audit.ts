// Whether a log is sound, as somebody outside of it finds out.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { pinnedNode, ROOT } from '../bootstrap.mjs';

const RONCTL = join(ROOT, 'apps', 'ronctl', 'dist', 'main.js');
/** Ten thousand versions take some ten seconds: a verifier that takes so long waits for a node that is not well. */
const TIMEOUT_MS = 120_000;

export interface LogAudit {
  readonly ok: boolean;
  /** What the verifier said. */
  readonly said: string;
}

export interface AuditOptions {
  /** File with the signers the log began with; without it the node that is judged is believed in this. */
  readonly genesis?: string;
}

/**
 * Has the verifier of the command line read the whole log and recompute everything in it. A log without a version is sound
 * when the node says nothing else of it.
 */
export async function auditLog(url: string, { genesis }: AuditOptions = {}): Promise<LogAudit> {
  const anchors = genesis === undefined ? [] : ['--genesis', genesis];
  const child = spawn(pinnedNode(), [RONCTL, 'registry', 'verify', url, ...anchors], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>;
  const [output, errors, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  const ended = signal === null ? '' : ` (ended by ${signal}; it has ${TIMEOUT_MS / 1_000} s)`;
  return { ok: code === 0, said: `${`${output}${errors}`.trim()}${ended}` };
}
