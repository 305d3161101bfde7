import type { FlowRecording, Recording } from './recording.ts';
import { BUDGETS, GOLDEN_METRICS, RULES } from './rules.ts';
import { FALSE_ALARMS, verdict } from './verdict.ts';
import { waiverFor, type Waivers } from './waivers.ts';

/** Below this many pairs an interval says nothing. */
export const PAIRS_MIN = 6;

/** One line of the table: what a rule says of a flow. */
export interface Cell {
  readonly flow: string;
  readonly rule: string;
  readonly base: number | undefined;
  readonly tree: number | undefined;
  readonly ratio: number | undefined;
  readonly interval: readonly [number, number] | undefined;
  readonly verdict: 'faster' | 'slower' | 'cannot tell' | 'kept' | 'broken' | 'no base' | 'not due';
  readonly outcome: 'passes' | 'fails' | 'waived' | 'not judged';
  readonly note: string;
}

export interface Judgement {
  readonly cells: readonly Cell[];
  /** What is wrong with the waivers: each fails the gate. */
  readonly faults: readonly string[];
  readonly passes: boolean;
}

/** What the rules say of a run: no clock, no input but these. */
export function judge(recording: Recording, waivers: Waivers): Judgement {
  const compared = recording.flows.filter(({ baseServes }) => baseServes).length;
  const error = FALSE_ALARMS / Math.max(1, compared * RULES.length);
  const cells = recording.flows.flatMap((flow) =>
    [...compare(flow, error), ...budgets(flow), ...golden(flow, recording.services)].map((cell) =>
      waive(cell, recording, waivers),
    ),
  );
  const passes = waivers.faults.length === 0 && cells.every(({ outcome }) => outcome !== 'fails');
  return { cells, faults: waivers.faults, passes };
}

const EMPTY = { base: undefined, tree: undefined, ratio: undefined, interval: undefined, note: '' };

function compare(flow: FlowRecording, error: number): Cell[] {
  const quiet = flow.pairs.filter(({ noisy }) => !noisy);
  const pairs = quiet.length >= PAIRS_MIN ? quiet : flow.pairs;
  return RULES.map((rule) => {
    const cell = { ...EMPTY, flow: flow.flow, rule: rule.name };
    if (!flow.baseServes)
      return { ...cell, verdict: 'no base', outcome: 'not judged', note: 'the base lacks its routes' };
    if (pairs.length < PAIRS_MIN) {
      const note = `${pairs.length} valid pairs of windows, ${flow.invalidPairs} invalid: ${PAIRS_MIN} are needed`;
      return { ...cell, verdict: 'broken', outcome: 'fails', note };
    }
    const { fails, ...found } = verdict(pairs, rule, error);
    const noisy = pairs === flow.pairs ? flow.pairs.length - quiet.length : 0;
    return {
      ...cell,
      ...found,
      base: median(pairs.map(({ a }) => rule.of(a))),
      tree: median(pairs.map(({ b }) => rule.of(b))),
      outcome: fails ? 'fails' : 'passes',
      note: `${pairs.length} pairs${noisy > 0 ? `, ${noisy} of them noisy` : ''}`,
    };
  });
}

function budgets({ flow, counts }: FlowRecording): Cell[] {
  return BUDGETS.map((budget) => {
    const share = budget.share(counts);
    const kept = share <= budget.most;
    return {
      ...EMPTY,
      flow,
      rule: budget.name,
      tree: share,
      verdict: kept ? 'kept' : 'broken',
      outcome: kept ? 'passes' : 'fails',
      note: `${budget.title}: at most ${budget.most * 100} %${budget.mustFix ? '; never waived' : ''}`,
    };
  });
}

function golden({ flow, families }: FlowRecording, services: readonly string[]): Cell[] {
  const cell = { ...EMPTY, flow, rule: 'golden-metric' };
  const isDue = ({ service }: (typeof GOLDEN_METRICS)[number]): boolean =>
    service === undefined || services.includes(service);
  const missing = GOLDEN_METRICS.filter((metric) => isDue(metric) && !families.includes(metric.name));
  const judged: Cell = {
    ...cell,
    verdict: missing.length === 0 ? 'kept' : 'broken',
    outcome: missing.length === 0 ? 'passes' : 'fails',
    note: missing.length === 0 ? 'all that are due are there' : `gone: ${missing.map(({ name }) => name).join(', ')}`,
  };
  const later = GOLDEN_METRICS.filter((metric) => !isDue(metric)).map(({ name, service }): Cell => ({
    ...cell,
    verdict: 'not due',
    outcome: 'not judged',
    note: `${name} is due once a ${service ?? ''} runs`,
  }));
  return [judged, ...later];
}

function waive(cell: Cell, { profile }: Recording, waivers: Waivers): Cell {
  if (cell.outcome !== 'fails') return cell;
  const waiver = waiverFor(waivers, { rule: cell.rule, flow: cell.flow, profile });
  if (waiver === undefined) return cell;
  const note = `${cell.note}; waived by ${waiver.approver} until ${waiver.expires}: ${waiver.link}`;
  return { ...cell, outcome: 'waived', note };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[at] ?? 0) : ((sorted[at - 1] ?? 0) + (sorted[at] ?? 0)) / 2;
}
