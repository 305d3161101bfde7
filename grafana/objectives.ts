import { type SloName, SLOS } from '@macronode/contracts';
import type { Bound } from './bounds.ts';

/** Digits kept of `1 - objective`: floating point leaves dust behind the last one an objective has. */
const DIGITS = 6;

/** What an objective allows: the share of bad events of a ratio, the time of a latency. */
const allowed = (name: SloName): Bound => {
  const slo = SLOS[name];
  return Object.freeze(
    slo.kind === 'latency'
      ? { value: slo.boundSeconds, unit: 's', why: slo.why }
      : { value: Number((1 - slo.objective).toFixed(DIGITS)), unit: 'percentunit', why: slo.why },
  );
};

/** The objectives as lines a panel can draw. */
export const ALLOWED = Object.freeze({
  availability: allowed('availability'),
  admission: allowed('admission'),
  bus_delivery: allowed('bus_delivery'),
  object_get_latency: allowed('object_get_latency'),
  object_put_latency: allowed('object_put_latency'),
  registry_head_latency: allowed('registry_head_latency'),
  registry_entry_latency: allowed('registry_entry_latency'),
  registry_commit_latency: allowed('registry_commit_latency'),
});

/** A budget is spent when nothing of it is left. */
export const BUDGET_SPENT: Bound = Object.freeze({
  value: 0,
  unit: 'percentunit',
  why: 'At zero the whole budget of the window is spent.',
});

/** The fast page of every objective. */
export const BURN_PAGE: Bound = Object.freeze({
  value: 14,
  unit: 'none',
  why: 'At 14 the budget of four weeks is gone in two days: someone is woken.',
});
