import type { Holders } from '@macronode/metrics';
import type { BusContext } from './bus-context.ts';
import type { BusLimits } from './bus-limits.ts';
import type { Clock } from './clock.ts';
import type { CreditBudget } from './credit-budget.ts';
import type { DeadlineWheel } from './deadline-wheel.ts';
import type { HandlerSlots } from './handler-slots.ts';
import type { HookRunner } from './hooks.ts';
import type { Link } from './link.ts';
import type { BusMetrics } from './metrics.ts';
import type { Outbox } from './outbox.ts';

/** What the parts of one bus have in common. */
export interface BusCore {
  readonly service: string;
  readonly instance: string;
  readonly link: Link;
  readonly clock: Clock;
  readonly limits: BusLimits;
  readonly metrics: BusMetrics;
  readonly wheel: DeadlineWheel;
  readonly budget: CreditBudget;
  readonly outbox: Outbox;
  readonly slots: HandlerSlots;
  /** Handlers under way, by subject or topic. */
  readonly running: Holders;
  /** Undefined when nobody asked to be told: then nothing is allocated for it. */
  readonly hooks: HookRunner | undefined;
  /** Whether requests with an order key are served. */
  readonly ordered: boolean;
  /** Told of every error a handler threw that was not a domain error. */
  readonly onHandlerError: (error: unknown, context: BusContext) => void;
}
