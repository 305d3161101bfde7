import type { Severity } from './alert.ts';

/**
 * The pairs of windows of a burn alert, as Pyrra has them for 28 days: both must burn, the long one says that it matters,
 * the short one that it still lasts. Named after the real clock on every clock.
 */
export interface BurnWindows {
  readonly severity: Severity;
  readonly long: WindowName;
  readonly short: WindowName;
  /** Budget spent per budget given from which it fires. */
  readonly factor: number;
  readonly forSeconds: number;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Seconds of each window on the real clock. */
export const WINDOWS = Object.freeze({
  '5m': 5 * MINUTE,
  '30m': 30 * MINUTE,
  '1h': HOUR,
  '2h': 2 * HOUR,
  '6h': 6 * HOUR,
  '1d': 24 * HOUR,
  '4d': 96 * HOUR,
});
export type WindowName = keyof typeof WINDOWS;

export const BURN_WINDOWS: readonly BurnWindows[] = Object.freeze([
  { severity: 'page', long: '1h', short: '5m', factor: 14, forSeconds: 2 * MINUTE },
  { severity: 'page', long: '6h', short: '30m', factor: 7, forSeconds: 15 * MINUTE },
  { severity: 'ticket', long: '1d', short: '2h', factor: 2, forSeconds: HOUR },
  { severity: 'ticket', long: '4d', short: '6h', factor: 1, forSeconds: 3 * HOUR },
]);
