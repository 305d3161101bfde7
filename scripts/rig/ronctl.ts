// The command line of the repository, run as somebody at a terminal would.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pinnedNode, ROOT } from '../bootstrap.mjs';

const RONCTL = join(ROOT, 'apps', 'ronctl', 'dist', 'main.js');
/** Ten thousand versions of a log take some ten seconds: what takes so long waits for a node that is not well. */
const TIMEOUT_MS = 120_000;

export interface RonctlRun {
  /** It ended by itself with exit code 0. */
  readonly ok: boolean;
  readonly output: string;
  /** What it said on both outputs, and by which signal it was ended. */
  readonly said: string;
}

/** Runs it to its end; `env` is added to that of this process. */
export async function ronctl(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<RonctlRun> {
  const child = spawn(pinnedNode(), [RONCTL, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>;
  const [output, errors, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  const ended = signal === null ? '' : ` (ended by ${signal}; it has ${TIMEOUT_MS / 1_000} s)`;
  return { ok: code === 0, output, said: `${`${output}${errors}`.trim()}${ended}` };
}
