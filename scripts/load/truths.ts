// What a node must still be after a load, judged from looks at its processes: a pure function of numbers.
import { SLOS } from '@macronode/contracts';
import type { OpsSample, OpsSeries } from './ops-sampler.ts';

export interface TruthBounds {
  /** Growth of the peak of resident memory from one half of the load to the other, after its warm-up. */
  readonly memoryGrowth: number;
  /** Growth of what full collections leave, from one half of the load to the other. */
  readonly liveGrowthBytes: number;
  /** A younger process still grows to its working size: a shorter load shows its memory and does not judge it. */
  readonly memoryJudgedS: number;
  /** Descriptors more than before the load once it is over: connections, logs and databases opened at first use. */
  readonly fdsOpenedOnce: number;
  /** Descriptors open at once, as a share of the soft limit of the process. */
  readonly fdShare: number;
  /** Median of the 99th percentiles of the event loop's lag. */
  readonly lagP99S: number;
  /** Of what the fullest stream may hold. */
  readonly streamFill: number;
  /** Share of frames that met a full bound. */
  readonly overflowShare: number;
}

const TRUTH_BOUNDS: TruthBounds = Object.freeze({
  memoryGrowth: 0.05,
  liveGrowthBytes: 8 * 2 ** 20,
  memoryJudgedS: 600,
  fdsOpenedOnce: 8,
  fdShare: 0.7,
  lagP99S: 0.05,
  streamFill: 0.5,
  overflowShare: Number((1 - SLOS.bus_delivery.objective).toFixed(6)),
});

export interface TruthRun {
  /** Seconds after the first look at which the load began and ended. */
  readonly from: number;
  readonly to: number;
  /** A load at one rate, within what is rated: only that one must keep queues short and the event loop free. */
  readonly isSteady: boolean;
  /** Refusals the clients saw. */
  readonly refusals: number;
  /** Requests without an answer: the node may have refused those too. */
  readonly unanswered: number;
}

export interface Truth {
  readonly name: string;
  /** The process it was worst in. */
  readonly instance: string;
  readonly observed: string;
  readonly bound: string;
  /** Undefined where it is shown and not judged. */
  readonly ok: boolean | undefined;
}

/** Of the load, from its begin: what is compared is compared after that. */
const WARM_UP = 0.2;

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

interface Measured {
  readonly instance: string;
  readonly value: number;
  readonly text: string;
}

const NOTHING: Measured = { instance: '-', value: 0, text: 'nothing seen' };

const worst = ([first = NOTHING, ...rest]: readonly Measured[]): Measured =>
  rest.reduce((a, b) => (b.value > a.value ? b : a), first);

/** Every truth of a run, each for the process it was worst in. */
export function truthsOf(
  series: readonly OpsSeries[],
  run: TruthRun,
  bounds: TruthBounds = TRUTH_BOUNDS,
): readonly Truth[] {
  const warm = run.from + (run.to - run.from) * WARM_UP;
  const under = series.map(({ instance, samples }) => {
    const inLoad = samples.filter(({ at }) => at >= warm && at <= run.to);
    // A load too short for a look of its own is judged by all of them, never by none.
    return { instance, samples: inLoad.length > 0 ? inLoad : samples };
  });
  const truth = (name: string, found: Measured, bound: number, text: string, isJudged = true): Truth => ({
    name,
    instance: found.instance,
    observed: found.text,
    bound: isJudged ? text : `${text} (shown, not judged)`,
    ok: isJudged ? found.value <= bound : undefined,
  });
  const isLong = run.to - run.from >= bounds.memoryJudgedS;
  const lag = worst(under.map(({ instance, samples }) => lagOf(instance, samples)));
  const fill = worst(under.map(({ instance, samples }) => fillOf(instance, samples)));
  return [
    {
      name: 'every process was seen',
      instance: series.find(({ samples }) => samples.length < 2)?.instance ?? '-',
      observed: `${Math.min(...series.map(({ samples }) => samples.length))} looks at least`,
      bound: '2',
      ok: series.length > 0 && series.every(({ samples }) => samples.length >= 2),
    },
    truth(
      'memory is flat',
      worst(under.map(({ instance, samples }) => growthOf(instance, samples))),
      bounds.memoryGrowth,
      `its peak grows by ${percent(bounds.memoryGrowth)} at most from half to half`,
      isLong,
    ),
    truth(
      'nothing leaks',
      worst(under.map(({ instance, samples }) => liveGrowthOf(instance, samples))),
      bounds.liveGrowthBytes,
      `what full collections leave grows by ${mib(bounds.liveGrowthBytes)} at most from half to half`,
      isLong,
    ),
    truth(
      'descriptors come back',
      worst(series.map(leakOf)),
      bounds.fdsOpenedOnce,
      `${bounds.fdsOpenedOnce} more at most`,
    ),
    truth(
      'descriptors stay below their limit',
      worst(series.map(fdShareOf)),
      bounds.fdShare,
      `${percent(bounds.fdShare)} of the soft limit at most`,
    ),
    truth('the event loop is free', lag, bounds.lagP99S, `p99 ${ms(bounds.lagP99S)} at most`, run.isSteady),
    truth('streams stay short', fill, bounds.streamFill, `${percent(bounds.streamFill)} full at most`, run.isSteady),
    truth('streams are empty afterwards', worst(series.map(leftOf)), 0, 'no pending entry'),
    truth(
      'the bus does not overflow',
      overflowOf(series),
      bounds.overflowShare,
      `${percent(bounds.overflowShare)} at most`,
      run.isSteady,
    ),
    refusalTruth(series, run),
  ];
}

/**
 * Garbage stays until a heap is as large as it may be, so resident memory of a sound process is a sawtooth of many minutes:
 * a line through it rises or falls with where it was cut. What a leak raises for good is the peak.
 */
function growthOf(instance: string, samples: readonly OpsSample[]): Measured {
  const [before, after] = overHalves(samples, (half) => Math.max(0, ...half.map(({ rssBytes }) => rssBytes)));
  const value = before === 0 ? 0 : after / before - 1;
  return { instance, value, text: `${percent(value)}, from ${mib(before)} to ${mib(after)}` };
}

/**
 * A leak smaller than the room a heap has is lost in the peaks and shows in what a full collection leaves. That holds what is
 * under way at that moment too, so the least of each half is compared.
 */
function liveGrowthOf(instance: string, samples: readonly OpsSample[]): Measured {
  const leastOf = (half: readonly OpsSample[]): number =>
    Math.min(...half.map(({ liveBytes }) => liveBytes).filter((bytes) => bytes > 0));
  const [before, after] = overHalves(samples, leastOf);
  const value = after - before;
  if (!Number.isFinite(value)) return { instance, value: 0, text: 'no full collection seen' };
  return { instance, value, text: `${mib(value)}, from ${mib(before)} to ${mib(after)}` };
}

function overHalves(
  samples: readonly OpsSample[],
  measure: (half: readonly OpsSample[]) => number,
): readonly [before: number, after: number] {
  const middle = ((samples[0]?.at ?? 0) + (samples.at(-1)?.at ?? 0)) / 2;
  return [measure(samples.filter(({ at }) => at < middle)), measure(samples.filter(({ at }) => at >= middle))];
}

function leakOf({ instance, samples }: OpsSeries): Measured {
  const [before, after] = [samples[0]?.openFds ?? 0, samples.at(-1)?.openFds ?? 0];
  return { instance, value: after - before, text: `${before} before, ${after} after` };
}

/** A process that tells no limit has none to come near to. */
function fdShareOf({ instance, samples }: OpsSeries): Measured {
  const [open, limit] = [samples.map(({ openFds }) => openFds), samples.at(-1)?.maxFds ?? 0];
  const most = Math.max(0, ...open);
  const value = limit === 0 ? 0 : most / limit;
  return { instance, value, text: `${most} of ${limit}, ${percent(value)}` };
}

function lagOf(instance: string, samples: readonly OpsSample[]): Measured {
  const lags = samples.map(({ lagP99S }) => lagP99S);
  const value = medianOf(lags);
  return { instance, value, text: `p99 ${ms(value)}, at worst ${ms(Math.max(0, ...lags))}` };
}

function fillOf(instance: string, samples: readonly OpsSample[]): Measured {
  const value = Math.max(0, ...samples.map(({ streamFill }) => streamFill));
  const pending = Math.max(0, ...samples.map((sample) => sample.pending));
  return { instance, value, text: `${percent(value)} full, ${pending} pending at most` };
}

function leftOf({ instance, samples }: OpsSeries): Measured {
  const value = samples.at(-1)?.pending ?? 0;
  return { instance, value, text: `${value} pending` };
}

/** How much a counter rose, over all processes; one that started again counts from 0. */
export function rise(series: readonly OpsSeries[], counter: (sample: OpsSample) => number): number {
  let total = 0;
  for (const { samples } of series) {
    for (const [at, sample] of samples.entries()) {
      const before = samples[at - 1];
      if (before === undefined) continue;
      const step = counter(sample) - counter(before);
      total += step >= 0 ? step : counter(sample);
    }
  }
  return total;
}

function overflowOf(series: readonly OpsSeries[]): Measured {
  const published = rise(series, (sample) => sample.published);
  const overflowed = rise(series, (sample) => sample.overflowed);
  const value = published === 0 ? 0 : overflowed / published;
  return { instance: 'all', value, text: `${overflowed} of ${published} frames` };
}

/** The refusals clients saw are those the gateway counts: no client is turned away by something nobody watches. */
function refusalTruth(series: readonly OpsSeries[], { refusals, unanswered }: TruthRun): Truth {
  const counted = rise(series, ({ refusedAnswers }) => refusedAnswers);
  const rejected = rise(series, (sample) => sample.rejected);
  return {
    name: 'every refusal is counted',
    instance: 'gateway',
    observed: `${refusals} seen, ${counted} answered, ${rejected} rejections counted by all`,
    bound: unanswered === 0 ? 'the same number' : `${unanswered} more answered at most`,
    ok: counted >= refusals && counted <= refusals + unanswered && (refusals === 0 || rejected > 0),
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(share !== 0 && Math.abs(share) < 0.001 ? 3 : 1)} %`;
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const ms = (seconds: number): string => `${(seconds * 1_000).toFixed(1)} ms`;
