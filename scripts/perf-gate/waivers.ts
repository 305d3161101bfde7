import { z } from 'zod';
import { FLOW_NAMES } from '../../k6/flows/flows.ts';
import { PROFILES } from './samples.ts';
import type { Verdict } from './verdict.ts';

/** A waiver ends this long after it was granted: time to see the upstream fix, not to forget it. */
const DAYS_MAX = 7;
const MS_PER_DAY = 86_400_000;

/** What may never be waived, whatever its cause: the documents call it must-fix. */
export const MUST_FIX = Object.freeze([
  'bus_overflow',
  'replication_over_quota',
  'mailbox_stall',
  'audit_failure',
  'stale_checkpoint',
  'commit_p95_sustained',
] as const);

const WAIVABLE = ['p95', 'throughput', 'cpu', 'memory', 'errors_5xx', 'rejects', 'golden_metric'] as const;

/** Lets one rule of one flow fail for a few days, because of something upstream. */
export const Waiver = z
  .strictObject({
    rule: z.enum(WAIVABLE, {
      error: ({ input }) =>
        MUST_FIX.some((one) => one === input) ? `${String(input)} must be fixed and cannot be waived` : undefined,
    }),
    flow: z.enum(FLOW_NAMES).optional(),
    profile: z.enum(PROFILES),
    /** What changed in the dependency, and which. */
    upstream_cause: z.string().min(20),
    /** Issue or change of the dependency. */
    link: z.url({ protocol: /^https$/ }),
    approver: z.string().min(2),
    /** Baseline that holds from now on. */
    new_baseline: z.string().regex(/^k6\/baselines\/\w+\.json$/),
    granted: z.iso.date(),
    /** Last day it holds. */
    expires: z.iso.date(),
  })
  .refine(({ granted, expires }) => daysBetween(granted, expires) >= 0, 'expires before it was granted')
  .refine(({ granted, expires }) => daysBetween(granted, expires) <= DAYS_MAX, `holds longer than ${DAYS_MAX} days`);
export type Waiver = z.infer<typeof Waiver>;

export const WaiverFile = z.strictObject({ waivers: z.array(Waiver) });

const daysBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / MS_PER_DAY;

/** Waivers that are over: they fail the run, so that nobody forgets them. */
export const expired = (waivers: readonly Waiver[], today: string): readonly Waiver[] =>
  waivers.filter(({ expires }) => daysBetween(today, expires) < 0);

/** Verdicts that fail although every waiver is applied. */
export function unwaived(
  verdicts: readonly Verdict[],
  profile: string,
  waivers: readonly Waiver[],
): readonly Verdict[] {
  return verdicts.filter(
    ({ fails, rule, flow }) =>
      fails && !waivers.some((one) => one.profile === profile && one.rule === rule && one.flow === flow),
  );
}
