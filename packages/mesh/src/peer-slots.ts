import type { PeerSample } from './mesh-thread-protocol.ts';

/** What is known of the peers of one network. */
interface PeerSlot {
  /** Whether its thread runs. */
  running: boolean;
  sample: PeerSample;
  /** On the clock of `performance.now()`; undefined while there was no count yet. */
  sampledAt: number | undefined;
}

const NOBODY: PeerSample = Object.freeze({ meshed: {}, connected: {}, clients: [] });

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/**
 * The peers of each network of a process, a slot each: written as the networks count them, read at a scrape. The number of
 * slots is fixed, so that a network that is started and stopped for ever takes no more room than one.
 */
export class PeerSlots {
  readonly #slots: (PeerSlot | undefined)[];

  constructor(networks: number) {
    this.#slots = new Array<PeerSlot | undefined>(networks).fill(undefined);
  }

  /** Slots in use. */
  get used(): number {
    return this.#slots.filter((slot) => slot !== undefined).length;
  }

  /** Networks whose thread runs. */
  get running(): number {
    return this.#slots.filter((slot) => slot?.running === true).length;
  }

  /** A free slot, now taken; undefined when there is none. */
  take(): number | undefined {
    const free = this.#slots.indexOf(undefined);
    if (free < 0) return undefined;
    this.#slots[free] = { running: false, sample: NOBODY, sampledAt: undefined };
    return free;
  }

  started(network: number): void {
    const slot = this.#slots[network];
    if (slot !== undefined) slot.running = true;
  }

  /** Nothing where the slot is not taken: a count that comes after the network has stopped changes nothing. */
  set(network: number, sample: PeerSample): void {
    const slot = this.#slots[network];
    if (slot === undefined) return;
    slot.sample = sample;
    slot.sampledAt = performance.now();
  }

  /** The thread of a network is gone: it has no peers until another counts them. */
  clear(network: number): void {
    const slot = this.#slots[network];
    if (slot === undefined) return;
    slot.running = false;
    slot.sample = { ...NOBODY, clients: slot.sample.clients };
  }

  release(network: number): void {
    if (network in this.#slots) this.#slots[network] = undefined;
  }

  /** Distinct peers in the meshes of a network; 0 for one that is not there. */
  total(network: number): number {
    return sum(this.#slots[network]?.sample.meshed ?? {});
  }

  *samples(): Iterable<PeerSample> {
    for (const slot of this.#slots) if (slot !== undefined) yield slot.sample;
  }

  /** Ms since the network that was not counted for longest was; 0 without networks. */
  age(now: number): number {
    return this.#slots.reduce(
      (most, slot) => Math.max(most, slot?.sampledAt === undefined ? 0 : now - slot.sampledAt),
      0,
    );
  }
}
