import { z } from 'zod';
import { FLOW_NAMES } from '../../k6/flows/flows.ts';

export const PROFILES = ['micronode', 'macronode'] as const;
export type Profile = (typeof PROFILES)[number];

const positive = z.number().positive();
const count = z.number().int().nonnegative();

/** What one side did in one pair of windows: a closed loop for the rate, an open loop at a fixed rate for the rest. */
const sampleSchema = z.strictObject({
  requestsPerSecond: positive,
  p50Ms: positive,
  p95Ms: positive,
  p99Ms: positive,
  /** All processes of the node and its Redis. */
  cpuMicrosPerRequest: positive,
  /** All processes of the node, without Redis: mean over the window, and its highest. */
  residentBytes: positive,
  residentPeakBytes: positive,
  /** Share of the machine that went to strangers, 0 to 1. */
  foreignShare: z.number().nonnegative(),
});
export type Sample = z.infer<typeof sampleSchema>;

const pairSchema = z.strictObject({
  /** Which start of the two nodes it was measured in, from 1 on. */
  life: count,
  a: sampleSchema,
  b: sampleSchema,
  /** Strangers took much, or much more of one side than of the other. */
  noisy: z.boolean(),
});
export type Pair = z.infer<typeof pairSchema>;

/** What the working tree answered to one flow, all windows together. */
const countsSchema = z.strictObject({
  requests: count,
  /** 5xx other than 503, and requests without an answer. */
  serverErrors: count,
  /** 429 and 503. */
  rejects: count,
  /** Claims about answers that did not hold, by what they said. */
  failedChecks: z.record(z.string(), count),
  busMessages: count,
  /** Refused, trimmed or lost for being too many. */
  busOverflow: count,
});
export type Counts = z.infer<typeof countsSchema>;

const flowSchema = z.strictObject({
  flow: z.enum(FLOW_NAMES),
  /** False when the base lacks what the flow asks for: it is not compared then. */
  baseServes: z.boolean(),
  requestsPerSecond: positive,
  pairs: z.array(pairSchema),
  /** Pairs thrown away because an answer was wrong or a turn was dropped. */
  invalidPairs: count,
  counts: countsSchema,
  /** Golden metrics the working tree showed after the flow. */
  families: z.array(z.string()),
});
export type FlowRecording = z.infer<typeof flowSchema>;

export const machineSchema = z.strictObject({
  cpu: z.string(),
  cores: z.number().int().positive(),
  memoryBytes: positive,
  kernel: z.string(),
  node: z.string(),
});
export type Machine = z.infer<typeof machineSchema>;

/** Everything a verdict is made of: a run of the gate as it is written to a file. */
export const recordingSchema = z.strictObject({
  profile: z.enum(PROFILES),
  machine: machineSchema,
  recordedAt: z.iso.datetime(),
  base: z.string(),
  tree: z.string(),
  /** Per cent of CPU that were added to the working tree on purpose. */
  seededCpuPercent: z.number().nonnegative(),
  seconds: positive,
  services: z.array(z.string()),
  flows: z.array(flowSchema),
});
export type Recording = z.infer<typeof recordingSchema>;

/** Digits kept of what was measured: more than any window is exact to. */
const DIGITS = 5;

/** A recording as it is written to a file. */
export function recordingText(recording: Recording): string {
  const short = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value;
  return `${JSON.stringify(recording, short)}\n`;
}
