import type { Readiness } from '@macronode/contracts';

export type Gate = 'ready' | 'write';

export interface CheckOptions {
  /** `ready`: without it nothing is served. `write`: writes are shed, reads go on. */
  readonly gates: Gate;
  /** How long a check that failed must hold again before it counts, in ms, so that readiness does not flap. */
  readonly holdMs?: number;
}

interface Check {
  readonly name: string;
  readonly holds: () => boolean;
  readonly gates: Gate;
  readonly holdMs: number;
  /** Since when it holds without a break; undefined while it does not. */
  since: number | undefined;
  /** It has counted as holding before, so a return must be held. */
  failedOnce: boolean;
  ok: boolean;
}

/** Long enough to outlast one reconnect storm, short enough that a recovered instance is used again soon. */
const HOLD_MS = 1_000;
/** How often checks are read between questions: a degraded service shows within 2 s with room to spare. */
const TICK_MS = 250;

/**
 * Whether a service can do its work: named checks, judged together. A check that fails counts at once;
 * one that comes back counts after it held for a while. A drain makes the service unready before anything stops.
 */
export class ReadinessRegistry {
  readonly service: string;
  readonly #clock: () => number;
  readonly #checks = new Map<string, Check>();
  readonly #listeners = new Set<(state: Readiness) => void>();
  #phase: 'starting' | 'serving' | 'draining' = 'starting';
  #state: Readiness;
  #timer: NodeJS.Timeout | undefined;

  constructor(service: string, clock: () => number = () => performance.now()) {
    this.service = service;
    this.#clock = clock;
    this.#state = this.evaluate();
  }

  /** Adds a check. Names are unique: they are what an operator reads in `missing`. */
  check(name: string, holds: () => boolean, options: CheckOptions): void {
    if (this.#checks.has(name)) throw new Error(`readiness check ${name} exists already`);
    this.#checks.set(name, {
      name,
      holds,
      gates: options.gates,
      holdMs: options.holdMs ?? HOLD_MS,
      since: undefined,
      failedOnce: false,
      ok: false,
    });
    this.evaluate();
  }

  /** Everything is started: from here on the checks alone decide. */
  setServing(): void {
    if (this.#phase === 'starting') this.#phase = 'serving';
    this.evaluate();
    this.#timer ??= setInterval(() => this.evaluate(), TICK_MS).unref();
  }

  /** Unready for good: the first step of a drain. */
  setDraining(): void {
    this.#phase = 'draining';
    this.evaluate();
  }

  /** Called with the new state whenever it changes. Returns how to stop. */
  onChange(listener: (state: Readiness) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The state of the last look, at most a tick old: cheap enough for every request. */
  get ready(): boolean {
    return this.#state.ready;
  }
  get writeReady(): boolean {
    return this.#state.write_ready;
  }

  /** Looks at every check now. */
  evaluate(): Readiness {
    const now = this.#clock();
    const missing: string[] = this.#phase === 'serving' ? [] : [this.#phase];
    let ready = this.#phase === 'serving';
    let writeReady = ready;
    let waitMs = 1_000;
    for (const check of this.#checks.values()) {
      waitMs = Math.max(waitMs, this.#judge(check, now));
      if (check.ok) continue;
      missing.push(check.name);
      writeReady = false;
      if (check.gates === 'ready') ready = false;
    }
    const retryAfter = missing.length === 0 ? null : Math.ceil(waitMs / 1_000);
    const state = { service: this.service, ready, write_ready: writeReady, missing, retry_after: retryAfter };
    const changed = this.#state !== undefined && String(this.#state.missing) !== String(missing);
    this.#state = state;
    if (changed) for (const listener of this.#listeners) listener(state);
    return state;
  }

  /** Updates one check; answers the ms after which it may count again. */
  #judge(check: Check, now: number): number {
    let holds = false;
    try {
      holds = check.holds();
    } catch {
      // A check that cannot tell does not hold.
    }
    if (!holds) {
      check.failedOnce ||= check.ok;
      check.since = undefined;
      check.ok = false;
      return check.holdMs;
    }
    check.since ??= now;
    const left = check.failedOnce ? check.since + check.holdMs - now : 0;
    check.ok = left <= 0;
    return Math.max(0, left);
  }

  /** Stops looking between questions. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Readiness of a process of several services: ready when each of them is. */
export type NodeReadiness = Readiness & { readonly services?: readonly Readiness[] };

/** One service answers for itself; of several, each is listed and the names in `missing` carry the service. */
export function nodeReadiness(name: string, registries: readonly ReadinessRegistry[]): NodeReadiness {
  const services = registries.map((registry) => registry.evaluate());
  const [only] = services;
  if (services.length === 1 && only !== undefined) return only;
  const waits = services.map((state) => state.retry_after ?? 0);
  return {
    service: name,
    ready: services.every((state) => state.ready),
    write_ready: services.every((state) => state.write_ready),
    missing: services.flatMap((state) => state.missing.map((check) => `${state.service}.${check}`)),
    retry_after: waits.every((wait) => wait === 0) ? null : Math.max(...waits),
    services,
  };
}
