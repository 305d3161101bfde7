import { z } from 'zod';
import { FLOW_NAMES } from '../../k6/flows/flows.ts';

export const PROFILES = ['micronode', 'macronode'] as const;
export type GateProfile = (typeof PROFILES)[number];

const count = z.int().nonnegative();
const positive = z.number().positive();

/** One window of one side at the common rate, and one as fast as it is answered. */
export const Sample = z.strictObject({
  /** Of the open loop, in milliseconds. */
  p95_ms: positive,
  /** CPU microseconds of all processes of the node and its Redis, per request of the open loop. */
  cpu_us: positive,
  /** Requests a second of the closed loop. */
  rate: positive,
  /** Resident memory of all processes of the node after both, in MiB. */
  memory_mib: positive,
  /** Requests of the open loop, and what became of them. */
  requests: count,
  errors_5xx: count,
  rejects: count,
  /** Frames offered to the bus, and those that met a full bound, in both loops. */
  frames: count,
  overflows: count,
});
export type Sample = z.infer<typeof Sample>;

/** Windows of one flow; those with the same place were measured one right after the other. */
export const FlowSamples = z.strictObject({ base: z.array(Sample).min(1), head: z.array(Sample).min(1) });
export type FlowSamples = z.infer<typeof FlowSamples>;

/** Everything a live run measured. */
export const Recording = z.strictObject({
  profile: z.enum(PROFILES),
  date: z.iso.datetime(),
  base: z.string(),
  head: z.string(),
  machine: z.strictObject({ cpu: z.string(), cores: z.int().positive(), node: z.string() }),
  flows: z.partialRecord(z.enum(FLOW_NAMES), FlowSamples),
  /** Flows the base has no route for: shown, and not judged. */
  without_base: z.array(z.enum(FLOW_NAMES)),
  /** Series the head serves, by name, on all its ops ports. */
  series: z.array(z.string()),
  /** Services of the head. */
  services: z.array(z.string()),
});
export type Recording = z.infer<typeof Recording>;
