import { randomBytes, randomUUID } from 'node:crypto';
import { hashBytes } from '@macronode/content';
import type { Route } from '@macronode/contracts';
import { Pool } from 'undici';
import { seededRandom } from '../../k6/flows/random.ts';
import {
  type Answer,
  type Call,
  FRESH_BYTES,
  type FreshObject,
  type LogSigners,
  OtherAnswer,
  type User,
} from '../../k6/flows/user.ts';
import type { LoadTally } from './load-tally.ts';

/** Longer than any deadline of the node: what takes longer hangs. */
const REQUEST_TIMEOUT_MS = 30_000;
/** The status of a request that was not answered. */
const NO_ANSWER = 0;
/** One seed makes as many sequences as there are users, far from each other. */
const SEED_STEP = 0x9e3779b9;

/** Connections to one gateway; as many as there are users at once. */
export function openPool(url: string, connections: number): Pool {
  return new Pool(url, {
    connections,
    pipelining: 1,
    headersTimeout: REQUEST_TIMEOUT_MS,
    bodyTimeout: REQUEST_TIMEOUT_MS,
  });
}

/** A user in Node. Writes every answer into a tally. */
export class NodeUser implements User {
  readonly number: number;
  readonly run: string;
  readonly random: () => number;
  readonly signers: LogSigners | undefined;
  readonly #pool: Pool;
  readonly #tally: LoadTally;
  #count = 0;

  constructor(
    pool: Pool,
    tally: LoadTally,
    who: {
      readonly number: number;
      readonly run: string;
      readonly seed: number;
      readonly signers?: LogSigners | undefined;
    },
  ) {
    this.#pool = pool;
    this.#tally = tally;
    this.number = who.number;
    this.run = who.run;
    this.signers = who.signers;
    this.random = seededRandom(who.seed + who.number * SEED_STEP);
  }

  next(): number {
    return (this.#count += 1);
  }

  freshObject(): FreshObject {
    const bytes = new Uint8Array(randomBytes(FRESH_BYTES));
    return { bytes, id: hashBytes(bytes) };
  }

  async send(route: Route, call: Call): Promise<Answer> {
    const startedAt = performance.now();
    const answer = await this.#request(route, call);
    const isRight = call.expect.includes(answer.status);
    this.#tally.answered(route, answer.status, performance.now() - startedAt, isRight);
    if (!isRight) throw new OtherAnswer(`${route.method} ${route.template}`, answer.status);
    return answer;
  }

  check(what: string, claims: Readonly<Record<string, boolean>>): void {
    for (const [claim, holds] of Object.entries(claims)) if (!holds) this.#tally.failed(`${what}: ${claim}`);
  }

  async #request(route: Route, { at = '', query, headers, body }: Call): Promise<Answer> {
    const path = route.template.replace(/\{[a-z]+\}/, at);
    try {
      const response = await this.#pool.request({
        method: route.method,
        path: query === undefined ? path : `${path}?${query}`,
        headers: { 'X-Corr-ID': randomUUID(), ...headers },
        ...(body !== undefined && { body }),
        // It would close the connection after every HEAD.
        reset: false,
      });
      const bytes = await response.body.bytes();
      return {
        status: response.statusCode,
        body: bytes,
        header: (name) => String(response.headers[name.toLowerCase()] ?? ''),
      };
    } catch {
      return { status: NO_ANSWER, body: new Uint8Array(0), header: () => '' };
    }
  }
}
