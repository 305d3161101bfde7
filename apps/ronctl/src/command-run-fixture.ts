import { PassThrough, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { run } from './program.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly out: string;
  readonly err: string;
}

export interface Around {
  /** The node, unless the command line names one. */
  readonly url: string;
  readonly stdin?: Uint8Array;
  readonly env?: Record<string, string>;
  readonly tty?: boolean;
}

/** Runs one command line to its end, with streams of its own. */
export async function runCommand(argv: readonly string[], around: Around): Promise<Ran> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const read = Promise.all([buffer(stdout), text(stderr)]);
  const exitCode = await run(argv, {
    stdin: Readable.from(around.stdin === undefined ? [] : [around.stdin]),
    stdout,
    stderr,
    stdoutIsTty: around.tty ?? false,
    stderrIsTty: around.tty ?? false,
    env: { RONCTL_URL: around.url, ...around.env },
    signal: new AbortController().signal,
  });
  stdout.end();
  stderr.end();
  const [bytes, err] = await read;
  return { exitCode, stdout: bytes, out: bytes.toString('utf8'), err };
}
