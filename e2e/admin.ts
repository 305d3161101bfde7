import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { ErrorEnvelope } from '@macronode/contracts';
import { Client, type Reply } from './client.ts';
import { opsOf } from './target.ts';

/** The admin token of the node under test; undefined where its admin routes are turned off. */
export const ADMIN_TOKEN = process.env['E2E_ADMIN_TOKEN'] === '' ? undefined : process.env['E2E_ADMIN_TOKEN'];

const PROGRAM = join(import.meta.dirname, '../apps/ronctl/bin/ronctl.js');
const [OPS = ''] = opsOf('mailbox');

/** A request to the ops port of the mailbox, with the admin token. */
export const askAdmin = (path: string, method = 'GET'): Promise<Reply> =>
  new Client({ url: OPS, token: ADMIN_TOKEN }).send({ method, path });

export const codeOf = (reply: Reply): string => ErrorEnvelope.parse(reply.json()).error.code;

/** `ronctl bus dlq`, speaking to the ops port of the mailbox. */
export function dlq(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((done) => {
    const argv = [PROGRAM, '--ops', OPS, 'bus', 'dlq', ...args];
    const env = { ...process.env, RONCTL_TOKEN: ADMIN_TOKEN ?? '' };
    execFile(process.execPath, argv, { env, timeout: 60_000 }, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
  });
}
