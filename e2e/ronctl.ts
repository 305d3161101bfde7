import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { target } from './target.ts';

const PROGRAM = join(import.meta.dirname, '../apps/ronctl/bin/ronctl.js');

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The program as it is installed, in a process of its own. */
export function ronctl(args: readonly string[], stdin?: Uint8Array): Promise<Ran> {
  return new Promise((done) => {
    const env = {
      ...process.env,
      RONCTL_URL: target.url,
      ...(target.token === undefined ? {} : { RONCTL_TOKEN: target.token }),
    };
    const child = execFile(process.execPath, [PROGRAM, ...args], { env, timeout: 60_000 }, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
    child.stdin?.end(stdin);
  });
}
