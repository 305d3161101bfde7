import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { FLOW_NAMES } from '../../k6/flows/flows.ts';
import { PROFILES, type Profile } from './recording.ts';
import { MUST_FIX, WAIVABLE } from './rules.ts';

const DAY_MS = 86_400_000;
/** Long enough for an upstream release or a pinned older version, too short to be forgotten. */
const WAIVER_DAYS_MAX = 7;

const rule = z.enum(WAIVABLE, {
  error: ({ input }) =>
    (MUST_FIX as readonly unknown[]).includes(input)
      ? `'${String(input)}' is never waived: it must be fixed`
      : `'${String(input)}' is no rule; there are ${WAIVABLE.join(', ')}`,
});

const waiverSchema = z
  .strictObject({
    rule,
    flow: z.enum(FLOW_NAMES),
    profile: z.enum(PROFILES),
    /** Which upstream dependency did it, and how: at least a sentence. */
    cause: z.string().min(20),
    /** The upstream issue. */
    link: z.url({ protocol: /^https$/ }),
    approver: z.string().min(2),
    /** The baseline that holds from now on, as committed. */
    baseline: z.strictObject({
      file: z.string().regex(/^k6\/baselines\/[a-z]+\.json$/),
      commit: z.string().regex(/^[0-9a-f]{40}$/),
    }),
    granted: z.iso.date(),
    /** Its last day, in UTC. */
    expires: z.iso.date(),
  })
  .refine(({ granted, expires }) => daysBetween(granted, expires) >= 0, { error: 'it expires before it is granted' })
  .refine(({ granted, expires }) => daysBetween(granted, expires) <= WAIVER_DAYS_MAX, {
    error: `it may last ${WAIVER_DAYS_MAX} days at most`,
  });
export type Waiver = z.infer<typeof waiverSchema>;

const daysBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / DAY_MS;

/** What the file allows today, and what is wrong with it. Anything wrong fails the gate. */
export interface Waivers {
  readonly valid: readonly Waiver[];
  readonly faults: readonly string[];
}

/** Reads the text of a waiver file: a JSON list. A waiver that has run out is a fault, so that it is taken out. */
export function parseWaivers(text: string, now: Date): Waivers {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return { valid: [], faults: [`the waiver file is no JSON: ${String(error)}`] };
  }
  if (!Array.isArray(list)) return { valid: [], faults: ['the waiver file holds no list'] };
  const valid: Waiver[] = [];
  const faults: string[] = [];
  for (const [at, one] of list.entries()) {
    const parsed = waiverSchema.safeParse(one);
    if (!parsed.success) {
      faults.push(...parsed.error.issues.map(({ path, message }) => `waiver ${at + 1}: ${path.join('.')} ${message}`));
    } else if (Date.parse(parsed.data.expires) + DAY_MS <= now.getTime()) {
      faults.push(`waiver ${at + 1}: ${parsed.data.rule} of ${parsed.data.flow} expired after ${parsed.data.expires}`);
    } else if (Date.parse(parsed.data.granted) > now.getTime()) {
      faults.push(`waiver ${at + 1}: it is granted in the future, ${parsed.data.granted}`);
    } else valid.push(parsed.data);
  }
  return { valid, faults };
}

/** No file is no waiver. */
export function readWaivers(file: string, now: Date): Waivers {
  return existsSync(file) ? parseWaivers(readFileSync(file, 'utf8'), now) : { valid: [], faults: [] };
}

export function waiverFor(
  waivers: Waivers,
  cell: { readonly rule: string; readonly flow: string; readonly profile: Profile },
): Waiver | undefined {
  return waivers.valid.find(
    ({ rule, flow, profile }) => rule === cell.rule && flow === cell.flow && profile === cell.profile,
  );
}
