import { auditEmit, auditFlush, auditOff, auditRecord } from './cases/audit.ts';
import { countersCost, countersSeeded } from './cases/counters.ts';
import { lookupCost, lookupEmpty, lookupHit, lookupHitFew, lookupHitMany, lookupMiss } from './cases/lookup.ts';
import { mergeAccept, mergeBadSignature, mergeReplay } from './cases/merge.ts';
import { publishEnqueue, publishHandOver, sign } from './cases/publish.ts';
import { tracingClaims, tracingOff } from './cases/tracing.ts';
import type { MicroCase } from '../micro/micro-case.ts';

/** What an envelope costs, what a claim of this node, what a request, and what is told of them. */
export const MICRO_CASES: readonly MicroCase[] = [
  mergeAccept,
  mergeReplay,
  mergeBadSignature,
  publishEnqueue,
  publishHandOver,
  sign,
  lookupHit,
  lookupHitFew,
  lookupHitMany,
  lookupMiss,
  lookupEmpty,
  auditEmit,
  auditRecord,
  auditFlush,
  auditOff,
  tracingOff,
  tracingClaims,
];

/** Those of the budget: what a request pays for the counters, the same made too dear, and for the lookup. */
export const BUDGET_CASES: readonly MicroCase[] = [countersCost, countersSeeded, lookupCost];

/** The script that runs one of them. */
export const CASE_PROCESS = new URL('case-process.ts', import.meta.url);
