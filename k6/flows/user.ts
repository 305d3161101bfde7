import type { Route } from '../../packages/contracts/src/routes.ts';

/** What a node answers with when it takes no more for now. */
export const REFUSED: readonly number[] = [429, 503];

/** The node answered otherwise than is right: the turn ends, the status is counted. */
export class OtherAnswer extends Error {
  readonly isRefusal: boolean;

  constructor(name: string, status: number) {
    super(`${name} answered ${status === 0 ? 'nothing' : status}`);
    this.isRefusal = REFUSED.includes(status);
  }
}

export interface Call {
  /** Value of the one parameter of the route. */
  readonly at?: string;
  /** What follows the path, without its question mark. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  /** Statuses that are right here; anything else counts as a failed request. */
  readonly expect: readonly number[];
}

export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  /** One header whatever its case; empty when it is absent. */
  header(name: string): string;
}

/** Bytes nobody has stored before, and the id they must be stored under. */
export interface FreshObject {
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Where a user of a mailbox writes down what became of its messages, so that a run can be held to them. */
export interface MessageLedger {
  /** Before a send: whatever comes back, the node may hold the message now. */
  offered(): void;
  /** The node answered that it has the message. */
  accepted(id: string): void;
  delivered(id: string): void;
  /** Before an acknowledgement: whatever comes back, the message reached its receiver. */
  acknowledging(id: string): void;
  /** The node confirmed it: the message must never come again. */
  acknowledged(id: string): void;
}

/** A signer of a log, whose key is at hand. */
export interface LogSigner {
  readonly id: string;
  readonly algo: string;
  /** Base64 of its signature over these bytes, which are ASCII. */
  sign(message: string): string | Promise<string>;
}

/** All signers of a log in one hand, as only a test has them. */
export interface LogSigners {
  readonly log: string;
  /** Approvals a commit needs. */
  readonly m: number;
  readonly members: readonly LogSigner[];
  /** `b3:` and the BLAKE3 of a text, which is ASCII. */
  hash(text: string): string;
  /** 16 random bytes in hex. */
  nonce(): string;
}

/**
 * Whoever walks a flow: a virtual user of k6, or one of a load loop in Node. Flows know nothing else, so both walk the same.
 * Every request is named by its route template, so that a million ids make one series.
 */
export interface User {
  /** From 1, different for each user of a run. */
  readonly number: number;
  /** Different for each run: part of the names and topics it makes. */
  readonly run: string;
  /** 1, 2, 3 … */
  next(): number;
  /** From 0 up to 1, the same sequence for the same seed and number. */
  random(): number;
  /** Absent where nobody holds the run to its messages. */
  readonly ledger?: MessageLedger;
  /** Absent where the run was given no keys: then it reads logs and writes none. */
  readonly signers?: LogSigners | undefined;
  /** `FRESH_BYTES` long. */
  freshObject(): FreshObject;
  /** The answer of the node. Throws OtherAnswer when it is not one of those that are right. */
  send(route: Route, call: Call): Answer | Promise<Answer>;
  /** Named claims about one request; a false one is a failed check of the run. */
  check(what: string, claims: Readonly<Record<string, boolean>>): void;
}

/** Size of fresh objects: one whole chunk. */
export const FRESH_BYTES = 64 * 1024;

export function sendJson(user: User, route: Route, value: unknown, call: Call): Answer | Promise<Answer> {
  const headers = { 'Content-Type': 'application/json', ...call.headers };
  return user.send(route, { ...call, headers, body: JSON.stringify(value) });
}

/** JSON of an answer, which is ASCII; undefined when it is none. */
export function jsonOf({ body }: Pick<Answer, 'body'>): unknown {
  try {
    return JSON.parse(String.fromCharCode(...body));
  } catch {
    return undefined;
  }
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

/** Picks one; the list is not empty. */
export function oneOf<T>(user: User, list: readonly T[]): T {
  const one = list[Math.floor(user.random() * list.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}
