import type { HttpSource } from './http-source.ts';
import type { KeptEntry } from './log-check.ts';
import { Members } from './members.ts';
import { VerificationFailed } from './verification-failed.ts';

/** Stands for the head in its ETag before the first entry. */
const NO_ENTRY = 'b3:00000000';

/** The head as the node states it. */
export interface StatedHead {
  readonly version: number;
  readonly etag: string;
  readonly members: Members;
}

export async function readHead(source: HttpSource): Promise<StatedHead> {
  const fail = (problem: string): never => {
    throw new VerificationFailed('head', problem);
  };
  const { status, etag, body } = await source.get('/registry/head');
  if (status !== 200) return fail(`the head is not served (${status})`);
  const members = Members.parse('the head', body.toString('utf8'));
  const version = members.count('version');
  const expected = `"v${version}-${(members.textOrNull('entry_b3') ?? NO_ENTRY).slice(3, 11)}"`;
  if (etag !== expected) fail(`the ETag of the head is ${etag ?? 'missing'}, not ${expected}`);
  return { version, etag: expected, members };
}

/** That the head is the entry of its version, and that its ETag works as a condition. */
export async function checkHead(source: HttpSource, head: StatedHead, kept: KeptEntry | undefined): Promise<void> {
  const require = (ok: boolean, problem: string): void => {
    if (!ok) throw new VerificationFailed('head', problem, head.version);
  };
  const { members } = head;
  require(members.textOrNull('entry_b3') === (kept?.entry.entryB3 ?? null), 'the head states another entry_b3');
  require(members.textOrNull('payload_b3') === (kept?.entry.payloadB3 ?? null), 'the head states another payload_b3');
  require(members.textOrNull('committed_at') === (kept?.entry.committedAt ?? null), 'the head states another time');
  const again = await source.get('/registry/head', { 'if-none-match': head.etag });
  // An answer in full is right when the log went on meanwhile.
  require(again.status === 304 || again.etag !== head.etag, `If-None-Match ${head.etag} answered ${again.status}`);
}

/** That a version is served on its own as it stands in the log. */
export async function checkEntry(source: HttpSource, { entry, line }: KeptEntry): Promise<void> {
  const require = (ok: boolean, problem: string): void => {
    if (!ok) throw new VerificationFailed('entries', problem, entry.version);
  };
  const { status, etag, body } = await source.get(`/registry/${entry.version}`);
  require(status === 200, `it is not served on its own (${status})`);
  require(body.toString('utf8') === line, 'served on its own it is another than in the log');
  require(etag === `"${entry.entryB3}"`, `its ETag is ${etag ?? 'missing'}`);
}
