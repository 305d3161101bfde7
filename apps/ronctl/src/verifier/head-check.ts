import { type HttpSource, SourceFailed, unreadable } from './http-source.ts';
import type { KeptEntry } from './log-check.ts';
import { Members } from './members.ts';
import { VerificationFailed } from './verification-failed.ts';

/** Stands for the head in its ETag before the first entry. */
const NO_ENTRY = 'b3:00000000';

/** The head as the node states it. */
export interface StatedHead {
  readonly version: number;
  /** As the node sends it, judged with the rest of the head. */
  readonly etag: string | null;
  readonly members: Members;
}

export async function readHead(source: HttpSource): Promise<StatedHead> {
  const { status, etag, body } = await source.get('/registry/head');
  // Every log has a head: where none is, there is no log to judge.
  if (status !== 200) throw new SourceFailed(`the head is not served (${status})`, { status });
  const members = Members.parse('the head', body.toString('utf8'));
  return { version: members.count('version'), etag, members };
}

/**
 * That the head is the entry of its version, that its checkpoint is no older than one of `servedSize` entries that was
 * served before it, and that its ETag works as a condition.
 */
export async function checkHead(
  source: HttpSource,
  head: StatedHead,
  kept: KeptEntry | undefined,
  servedSize: number,
): Promise<void> {
  const require = (ok: boolean, problem: string): void => {
    if (!ok) throw new VerificationFailed('head', problem, head.version);
  };
  const { members } = head;
  require(members.textOrNull('entry_b3') === (kept?.entry.entryB3 ?? null), 'the head states another entry_b3');
  require(members.textOrNull('payload_b3') === (kept?.entry.payloadB3 ?? null), 'the head states another payload_b3');
  require(members.textOrNull('committed_at') === (kept?.entry.committedAt ?? null), 'the head states another time');
  const size = members.count('checkpoint_size');
  const covers = `its checkpoint covers ${size} entries`;
  require(size <= head.version, `${covers}, and the head is version ${head.version}`);
  // A replica may show entries before their checkpoint, but takes no checkpoint back.
  require(size >= servedSize, `${covers}, and one of ${servedSize} was served before`);
  const etag = etagOf(head, size);
  require(head.etag === etag, `the ETag of the head is ${head.etag ?? 'missing'}, not ${etag}`);
  const again = await source.get('/registry/head', { 'if-none-match': etag });
  // An answer in full, with a tag of its own, is right when the log went on meanwhile.
  const wentOn = again.status === 200 && again.etag !== null && again.etag !== etag;
  require(again.status === 304 || wentOn, `If-None-Match ${etag} answered ${again.status}`);
}

/** That a version is served on its own as it stands in the log. */
export async function checkEntry(source: HttpSource, { entry, line }: KeptEntry): Promise<void> {
  const require = (ok: boolean, problem: string): void => {
    if (!ok) throw new VerificationFailed('entries', problem, entry.version);
  };
  const { version } = entry;
  const { status, etag, body } = await source
    .get(`/registry/${version}`)
    .catch(unreadable(version, `version ${version} cannot be read on its own`));
  require(status === 200, `it is not served on its own (${status})`);
  require(body.toString('utf8') === line, 'served on its own it is another than in the log');
  require(etag === `"${entry.entryB3}"`, `its ETag is ${etag ?? 'missing'}`);
}

/** The size of a checkpoint that does not cover every entry is part of the tag. */
function etagOf({ version, members }: StatedHead, size: number): string {
  const entry = (members.textOrNull('entry_b3') ?? NO_ENTRY).slice(3, 11);
  return `"v${version}-${entry}${size === version ? '' : `-c${size}`}"`;
}
