import { randomBytes } from 'k6/crypto';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import { blake3 } from '@noble/hashes/blake3.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { FRESH_BYTES, type FreshObject } from '../flows/user.ts';
import type { Plan } from '../profiles/profile.ts';
import { freshBytes, IDS_FILE, type PoolPlan, poolPlanOf, PREPARE_OBJECTS, TEMPLATE_FILE } from './fresh-bytes.ts';

/** Where users take objects from that nobody has stored before. */
export interface FreshObjects {
  /** The next one of this turn, or of the preparation. */
  take(run: string): FreshObject;
  /** A turn begins. */
  turn(): void;
}

/** Random bytes, hashed here when their id is asked for: seconds of CPU, and an implementation that is not the node's. */
export const hashedHere: FreshObjects = {
  take: () => {
    const bytes = new Uint8Array(randomBytes(FRESH_BYTES));
    return {
      bytes,
      get id() {
        return `b3:${bytesToHex(blake3(bytes))}`;
      },
    };
  },
  turn: () => undefined,
};

/** Objects whose ids were computed before the run; each is taken once. Made in the init context, as k6 opens files there only. */
export class FreshPool implements FreshObjects {
  readonly #template: ArrayBuffer;
  readonly #ids: readonly string[];
  readonly #plan: PoolPlan;
  #taken = 0;

  constructor(dir: string, plan: Plan) {
    this.#plan = poolPlanOf(plan);
    this.#template = open(`${dir}/${TEMPLATE_FILE}`, 'b');
    this.#ids = new SharedArray('fresh ids', () => open(`${dir}/${IDS_FILE}`).trimEnd().split('\n'));
  }

  turn(): void {
    this.#taken = 0;
  }

  take(run: string): FreshObject {
    const at = this.#next();
    const id = this.#ids[at];
    if (id === undefined) throw new Error(`the pool of fresh objects ends at ${this.#ids.length}: run npm run load`);
    return { id, bytes: freshBytes(this.#template, run, at) };
  }

  #next(): number {
    const taken = this.#taken;
    this.#taken += 1;
    if (exec.vu.idInTest === 0) {
      if (taken >= PREPARE_OBJECTS) throw new Error(`flows prepare more than ${PREPARE_OBJECTS} objects`);
      return taken;
    }
    const part = this.#plan.parts[exec.scenario.name];
    if (part === undefined || taken >= part.each) {
      throw new Error(`a turn of ${exec.scenario.name} takes more fresh objects than were prepared`);
    }
    return part.from + exec.scenario.iterationInTest * part.each + taken;
  }
}
