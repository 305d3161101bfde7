import {
  BUS_ADMIN_ROUTES,
  type BusDeadLetter,
  BusDeadLetterList,
  BusDeadLetterShown,
  BusDeadLettersDropped,
  BusDeadLettersReplayed,
} from '@macronode/contracts';
import { EXIT } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { type Call, type NodeClient, pathWith } from './node-client.ts';

/** What `replay` and `drop` act on: letters by id, or all that are there now. */
export interface Chosen {
  readonly service: string;
  readonly ids: readonly string[];
  readonly all: boolean;
  /** Of `all`: at most so many by one request. */
  readonly limit: number;
  /** Told how many are done so far. */
  readonly onProgress: (done: number) => void;
}

const many = (service: string): string => pathWith(BUS_ADMIN_ROUTES.service, { service });
const one = (service: string, id: string): string => pathWith(BUS_ADMIN_ROUTES.letter, { service, id });

/** The oldest letters, at most `limit`; with `all` every one, page by page. */
export async function listLetters(
  client: NodeClient,
  options: { readonly service: string; readonly limit: number; readonly after?: string; readonly all: boolean },
): Promise<BusDeadLetterList> {
  const letters: BusDeadLetter[] = [];
  let after = options.after;
  for (;;) {
    const query = new URLSearchParams({ service: options.service, limit: String(options.limit) });
    if (after !== undefined) query.set('after', after);
    const call: Call = { method: 'GET', path: `${BUS_ADMIN_ROUTES.list}?${query.toString()}` };
    const { value } = await client.json(call, BusDeadLetterList);
    letters.push(...value.letters);
    if (!options.all || value.next === null) return { letters, next: value.next };
    after = value.next;
  }
}

export async function showLetter(client: NodeClient, service: string, id: string): Promise<BusDeadLetterShown> {
  return (await client.json({ method: 'GET', path: one(service, id) }, BusDeadLetterShown)).value;
}

/** Replays letters. A full stream ends it: what was not replayed stays where it is. */
export async function replayLetters(client: NodeClient, chosen: Chosen): Promise<{ replayed: number }> {
  const replay = async (path: string): Promise<BusDeadLettersReplayed> =>
    (await client.json({ method: 'POST', path }, BusDeadLettersReplayed)).value;
  let replayed = 0;
  for await (const answer of eachAnswer(chosen, (path) => replay(path), '/replay')) {
    replayed += answer.replayed;
    chosen.onProgress(replayed);
    if (answer.retry_after_ms === null) continue;
    throw new Failure(EXIT.unavailable, `replayed ${replayed}, then the stream was full; the rest stays`, {
      code: 'busy',
      retryAfterMs: answer.retry_after_ms,
      hint: `try again in ${Math.ceil(answer.retry_after_ms / 1_000)} s`,
    });
  }
  return { replayed };
}

export async function dropLetters(client: NodeClient, chosen: Chosen): Promise<{ dropped: number }> {
  const drop = async (path: string): Promise<BusDeadLettersDropped> =>
    (await client.json({ method: 'DELETE', path }, BusDeadLettersDropped)).value;
  let dropped = 0;
  for await (const answer of eachAnswer(chosen, (path) => drop(path), '')) {
    dropped += answer.dropped;
    chosen.onProgress(dropped);
  }
  return { dropped };
}

/** One request per id; or for all, page by page, up to what was there when it began. */
async function* eachAnswer<T extends { readonly more: boolean }>(
  { service, ids, all, limit }: Chosen,
  ask: (path: string) => Promise<T>,
  verb: string,
): AsyncGenerator<T> {
  if (all === ids.length > 0)
    throw new Failure(EXIT.usage, 'name dead letters by their ids, or all of them with --all');
  for (const id of ids) yield await ask(`${one(service, id)}${verb}`);
  if (!all) return;
  // What fails again becomes a letter of a later time: without this bound it would be taken in a circle.
  const query = new URLSearchParams({ limit: String(limit), before: String(Date.now()) });
  for (let more = true; more;) {
    const answer = await ask(`${many(service)}${verb}?${query.toString()}`);
    yield answer;
    more = answer.more;
  }
}

/** Rows for people: what it is, where it comes from, why it is here. */
export const letterRows = (letters: readonly BusDeadLetter[]): string[][] => [
  ['ID', 'AT', 'REASON', 'RUNS', 'FROM', 'BYTES', 'CORR_ID'],
  ...letters.map((letter) => [
    letter.id,
    letter.at,
    letter.reason,
    String(letter.attempts),
    `${letter.kind} ${letter.name}`,
    String(letter.bytes),
    letter.corr_id === '' ? '-' : letter.corr_id,
  ]),
];

export const shownRows = (letter: BusDeadLetterShown): string[][] => [
  ['id', letter.id],
  ['at', letter.at],
  ['reason', letter.reason],
  ['runs', String(letter.attempts)],
  ['from', `${letter.kind} ${letter.name}${letter.lane === 'none' ? '' : ` (${letter.lane})`}`],
  ['service', letter.service],
  ['consumer', letter.consumer],
  ['corr_id', letter.corr_id],
  ['traceparent', letter.traceparent],
  ['bytes', String(letter.bytes)],
  ...letter.contents.map((each, i) => [`message ${i + 1}`, `${each.subject} ${each.bytes} bytes ${each.corr_id}`]),
  ...(letter.fault === null ? [] : [['unreadable', letter.fault]]),
  ['entry', letter.entry_b64],
];
