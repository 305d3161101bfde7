// Whether a log is sound, as somebody outside of it finds out.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { pinnedNode, ROOT } from '../bootstrap.mjs';

const RONCTL = join(ROOT, 'apps', 'ronctl', 'dist', 'main.js');

export interface LogAudit {
  readonly ok: boolean;
  /** What the verifier said. */
  readonly said: string;
}

/** Has the verifier of the command line read the whole log and recompute everything in it. */
export async function auditLog(url: string): Promise<LogAudit> {
  const child = spawn(pinnedNode(), [RONCTL, 'registry', 'verify', url], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit') as Promise<[code: number | null]>;
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { ok: code === 0, said: `${output}${errors}`.trim() };
}
