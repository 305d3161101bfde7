import { formatVkey } from '@macronode/log';
import { BuiltLog, type Content, type Hands, ITEMS, genesisOf, membersOf } from '../registry/built-log-fixture.ts';
import type { ServedLog } from '../registry/served-log-fixture.ts';
import { HttpSource } from './http-source.ts';
import { VerificationFailed } from './verification-failed.ts';
import { type Report, verifyRegistry } from './verify-registry.ts';

export const AB = ['org:a#1', 'org:b#1'];
export const AC = ['org:a#1', 'org:c#1'];
export const AD = ['org:a#1', 'org:d#1'];
export const ROTATION: Content = {
  kind: 'signers',
  m: 2,
  k_pq: 0,
  signers: membersOf(['org:a#1', 'org:b#1', 'org:d#1']),
};
export const ROTATED_AT = 5;
export const ROOT_KEY = { key_id: 'root#1', digest: `b3:${'7'.repeat(64)}`, not_after: '2030-01-01T00:00:00Z' };
const ROOT_KEYS: Content = { kind: 'root_keys', root_keys: [ROOT_KEY] };

export type HandsAt = Readonly<
  Record<number, Hands & { readonly content?: Content; readonly approvers?: readonly string[] }>
>;

/** Nine entries of every kind but a seal, with a rotation at 5 from a, b, c to a, b, d. */
export function built(hands: HandsAt = {}): BuiltLog {
  const log = new BuiltLog(genesisOf(2, 1));
  const add = (content: Content, approvers: readonly string[]): void => {
    const here = hands[log.entries.length + 1] ?? {};
    log.add(here.content ?? content, here.approvers ?? approvers, here);
  };
  const headHash = (): string => log.head?.entryB3 ?? '';
  add(ITEMS, AC);
  add(ITEMS, ['org:a#1', 'org:b#1', 'org:c#1']);
  add({ kind: 'policy', policy: { version: 1, bundle: headHash() } }, AC);
  add({ kind: 'supersede', supersede_of: headHash(), reason: 'data_error', note: '', items: [] }, AC);
  add(ROTATION, ['org:a#1', 'org:c#1', 'org:d#1']);
  add(ITEMS, AD);
  add(ROOT_KEYS, AD);
  add(ITEMS, AD);
  add(ITEMS, AD);
  return log;
}

interface Around {
  readonly genesis?: string;
  readonly vkey?: string;
  readonly witnesses?: readonly string[];
}

export const sourceOf = (url: string): HttpSource =>
  new HttpSource({ url, timeoutMs: 5_000, signal: new AbortController().signal });

export function verified(served: ServedLog, around: Around = {}): Promise<Report> {
  const { log, url } = served;
  const given = { genesis: JSON.stringify(log.genesis), vkey: formatVkey(log.logKey.key), witnesses: [], ...around };
  return verifyRegistry({ source: sourceOf(url), given, onProgress: () => undefined });
}

export async function failureOf(work: Promise<unknown>): Promise<VerificationFailed> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof VerificationFailed)) throw new Error('it should have failed', { cause: error });
  return error;
}

/** Entries as the log is served. */
export const linesOf = (entries: BuiltLog['entries']): string => entries.map(({ line }) => `${line}\n`).join('');
