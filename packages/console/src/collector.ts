import { SLOS } from '@macronode/contracts';
import { askPeer, problemOf } from './ask.ts';
import { lostInstance, type OpsAnswers, readInstance } from './instance.ts';
import { CONSOLE_LIMITS } from './history/limits.ts';
import type { ConsoleState, Instance } from './history/state.ts';
import type { Reading } from './history/reading.ts';
import type { Peer } from './peers.ts';

export interface CollectorOptions {
  /** Name of this process. */
  readonly node: string;
  /** What the ops port of this process would say. */
  readonly self: () => Promise<OpsAnswers>;
  readonly peers: readonly Peer[];
  readonly readings: readonly Reading[];
  readonly ask?: (url: string) => Promise<OpsAnswers>;
  /** Unix time in ms. */
  readonly clock?: () => number;
}

/** What this process and its peers say of themselves, collected when somebody looks and not otherwise. */
export class Collector {
  readonly #options: Required<CollectorOptions>;
  #latest: ConsoleState | undefined;
  #running: Promise<ConsoleState> | undefined;

  constructor(options: CollectorOptions) {
    this.#options = { ask: askPeer, clock: Date.now, ...options };
  }

  /** At most `stateAgeMs` old. Never rejects for a peer: one that does not answer is part of the state. */
  async state(): Promise<ConsoleState> {
    const { clock } = this.#options;
    if (this.#latest !== undefined && clock() - this.#latest.at < CONSOLE_LIMITS.stateAgeMs) return this.#latest;
    this.#running ??= this.#collect().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #collect(): Promise<ConsoleState> {
    const { node, self, peers, ask, clock } = this.#options;
    const at = clock();
    const [own, ...others] = await Promise.all([
      this.#instance('self', node, self),
      ...peers.map(({ name, url }) => this.#instance(url, name, () => ask(url))),
    ]);
    // One list of peers may be given to all: the process that answers would then be there twice.
    const isSelf = ({ version, started_at }: Instance): boolean =>
      started_at !== null && started_at === own.started_at && version?.service === own.version?.service;
    const instances = [own, ...others.filter((other) => !isSelf(other))];
    const objectives = {
      availability: SLOS.availability.objective,
      readSeconds: SLOS.object_get_latency.boundSeconds,
    };
    return (this.#latest = { at, node, objectives, instances });
  }

  async #instance(id: string, name: string, answers: () => Promise<OpsAnswers>): Promise<Instance> {
    const { readings, clock } = this.#options;
    try {
      const given = await answers();
      return readInstance({ id, name, at: clock() }, given, readings);
    } catch (error) {
      return lostInstance({ id, name, at: clock() }, problemOf(error));
    }
  }
}
