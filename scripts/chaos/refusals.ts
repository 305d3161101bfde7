import { askedSum } from '../measure/metrics.ts';
import { answersOk } from '../poll.ts';
import type { Ledger } from '../rig/ledger.ts';
import type { Observation } from './observation.ts';

/** Error answers, and requests without an answer or with half of one, as a client's ledger has them: `METHOD template code`. */
const ERROR = /^[A-Z]+ \/\S* [45]\d\d$/;
const UNANSWERED = /^([A-Z]+ \/\S* 0|broken off)$/;

/** What clients were refused and what gateways counted, from a moment on. */
export class Refusals {
  readonly #ops: readonly string[];
  readonly #ledger: Ledger;
  readonly #countedBefore: number;
  readonly #before: { readonly seen: number; readonly unanswered: number };

  private constructor(ops: readonly string[], ledger: Ledger, countedBefore: number) {
    this.#ops = ops;
    this.#ledger = ledger;
    this.#countedBefore = countedBefore;
    this.#before = { seen: ledger.matching(ERROR), unanswered: ledger.matching(UNANSWERED) };
  }

  static async since(ops: readonly string[], ledger: Ledger): Promise<Refusals> {
    return new Refusals(ops, ledger, await counted(ops));
  }

  /** A gateway that was started again begins at nought: then this is what it counted since. */
  async count(): Promise<Observation['refusals']> {
    const now = await counted(this.#ops);
    return {
      seen: this.#ledger.matching(ERROR) - this.#before.seen,
      unanswered: this.#ledger.matching(UNANSWERED) - this.#before.unanswered,
      counted: now < this.#countedBefore ? now : now - this.#countedBefore,
    };
  }
}

async function counted(ops: readonly string[]): Promise<number> {
  let sum = 0;
  for (const url of ops) {
    if (await answersOk(`${url}/healthz`)) sum += await askedSum(url, 'rejected_total');
  }
  return sum;
}
