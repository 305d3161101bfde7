import { LIMITS, type RegistryRouteName, ServiceError } from '@macronode/contracts';
import { Holders, type Occupancy } from '@macronode/metrics';
import { ROUTE_CLASSES, type RegistryMetrics, type RouteClass } from './metrics.ts';

const HARD = LIMITS.registry_route_hard_factor.value;
const SOFT_MS = LIMITS.registry_route_soft_ms.value;
const RETRY_AFTER_MS = 1_000;

const CLASS_OF: Readonly<Record<Exclude<RegistryRouteName, 'registryStream'>, RouteClass>> = {
  registryHead: 'head',
  registryEntry: 'entry',
  registryLog: 'log',
  registryAudit: 'log',
  registryProof: 'proof',
  registryConsistency: 'proof',
  registryCheckpoint: 'proof',
  registryTile: 'proof',
  registrySigners: 'state',
  registryProposals: 'state',
  registryProposal: 'state',
  registryPropose: 'write',
  registryApprove: 'write',
  registryCommit: 'write',
  registryFreeze: 'write',
  registryThaw: 'write',
  registryAddCheckpoint: 'witness',
};

/** A route that may be asked. */
export type GatedRoute = keyof typeof CLASS_OF;

interface Gate {
  readonly holders: Holders;
  readonly soft: number;
  /** Since when it has been above its soft bound, without a break. */
  aboveSince: number | undefined;
}

/**
 * Requests in flight by class of routes. A short burst above the soft bound passes; one that lasts, or one at the hard
 * bound, is refused with 429 before anything is read for it.
 */
export class RouteGate {
  readonly #gates: Readonly<Record<RouteClass, Gate>>;
  readonly #now: () => number;

  constructor(
    bounds: Readonly<Record<RouteClass, number>>,
    metrics: RegistryMetrics,
    now: () => number = () => performance.now(),
  ) {
    this.#now = now;
    const gates = ROUTE_CLASSES.map((route): [RouteClass, Gate] => [
      route,
      { holders: new Holders(), soft: bounds[route], aboveSince: undefined },
    ]);
    this.#gates = Object.fromEntries(gates) as Record<RouteClass, Gate>;
    for (const route of ROUTE_CLASSES) {
      metrics.routeInflight.collect(() => this.#gates[route].holders.size, { route });
      metrics.routeBound.cell({ route }).set(bounds[route]);
    }
  }

  occupancies(): readonly Occupancy[] {
    return ROUTE_CLASSES.map((route) => {
      const { holders, soft } = this.#gates[route];
      return {
        kind: 'semaphore',
        name: `registry ${route}`,
        held: holders.size,
        bound: soft * HARD,
        oldestMs: holders.oldestMs(),
      };
    });
  }

  /** Takes a place, or throws `saturated`. What it returns gives the place back. */
  enter(route: GatedRoute): () => void {
    const gate = this.#gates[CLASS_OF[route]];
    this.#refuseAbove(gate);
    const holder = gate.holders.enter();
    return () => {
      gate.holders.leave(holder);
      if (gate.holders.size <= gate.soft) gate.aboveSince = undefined;
    };
  }

  #refuseAbove(gate: Gate): void {
    const inflight = gate.holders.size;
    if (inflight >= gate.soft * HARD) throw refusal('route_hard');
    if (inflight < gate.soft) return;
    gate.aboveSince ??= this.#now();
    if (this.#now() - gate.aboveSince >= SOFT_MS) throw refusal('route_soft');
  }
}

const refusal = (reason: string): ServiceError =>
  new ServiceError('saturated', 'too many requests of this route are being answered', {
    reason,
    retryAfterMs: RETRY_AFTER_MS,
  });
