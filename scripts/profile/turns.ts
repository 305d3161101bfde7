// The turns of an event loop, read from the samples of a CPU profile. Pure.
import { type CpuProfile, IDLE, type Place, sampleMicros, stacksOf } from './cpu-profile.ts';

/** Native code that belongs to no call: between two callbacks, or waiting for the system. */
const PROGRAM = '(program)';
/** A frame belongs to what a turn did when the turn spent at least this share of its time below it. */
const SHARE_MIN = 0.5;

/** The loop came round: a timer of the process ran. */
export interface LoopReturn {
  /** Microseconds on the clock of the profile. */
  readonly at: number;
  /** Microseconds of CPU the thread has had by then. */
  readonly cpu: number;
}

/** A stretch in which the program ran and did not return to the event loop. */
export interface Turn {
  /** Milliseconds after the profile began. */
  readonly atMs: number;
  readonly ms: number;
  /**
   * What the thread had of a processor between the two returns around the turn: far below `ms`, it waited for a system
   * call, or others had the processor. Undefined where there was no return before or after.
   */
  readonly cpuMs: number | undefined;
  /** From the outermost caller down to the last function that at least half of the turn was spent in or below. */
  readonly stack: readonly Place[];
}

interface Stretch {
  from: number;
  micros: number;
  readonly samples: { readonly stack: readonly Place[]; readonly micros: number }[];
}

const keyOf = ({ name, at }: Place): string => `${name} ${at}`;

function commonStack({ samples, micros }: Stretch): readonly Place[] {
  const stack: Place[] = [];
  let below = samples;
  for (;;) {
    const weights = new Map<string, { place: Place; micros: number }>();
    for (const sample of below) {
      const place = sample.stack[stack.length];
      if (place === undefined) continue;
      const weight = weights.get(keyOf(place)) ?? { place, micros: 0 };
      weight.micros += sample.micros;
      weights.set(keyOf(place), weight);
    }
    const [heaviest] = [...weights.values()].sort((a, b) => b.micros - a.micros);
    if (heaviest === undefined || heaviest.micros < micros * SHARE_MIN) return stack;
    const depth = stack.length;
    const key = keyOf(heaviest.place);
    below = below.filter(({ stack: one }) => one[depth] !== undefined && keyOf(one[depth]) === key);
    stack.push(heaviest.place);
  }
}

/** CPU between the last return before the stretch and the first one after it. */
function cpuMsOf({ from, micros }: Stretch, returns: readonly LoopReturn[]): number | undefined {
  const before = returns.findLast(({ at }) => at <= from);
  const after = returns.find(({ at }) => at >= from + micros);
  return before === undefined || after === undefined ? undefined : (after.cpu - before.cpu) / 1_000;
}

/** Stretches without a return to the loop, in order. */
function* stretches(profile: CpuProfile, returns: readonly LoopReturn[]): Generator<Stretch, void, undefined> {
  const stacks = stacksOf(profile);
  const micros = sampleMicros(profile);
  let open: Stretch | undefined;
  let nextReturn = 0;
  let at = profile.startTime;
  for (const [index, node] of profile.samples.entries()) {
    at += profile.timeDeltas[index] ?? 0;
    const stack = stacks.get(node) ?? [];
    const own = stack.at(-1)?.name;
    const idles = own === undefined || own === IDLE || own === PROGRAM;
    const returned = (returns[nextReturn]?.at ?? Infinity) <= at;
    while ((returns[nextReturn]?.at ?? Infinity) <= at) nextReturn += 1;
    if (open !== undefined && (idles || returned)) {
      yield open;
      open = undefined;
    }
    if (idles) continue;
    open ??= { from: at, micros: 0, samples: [] };
    open.micros += micros[index] ?? 0;
    open.samples.push({ stack, micros: micros[index] ?? 0 });
  }
  if (open !== undefined) yield open;
}

/**
 * The longest turns, longest first. A turn ends where V8 saw the process idle or in native code of no call, and at each
 * of `returns`. Without these, what a busy loop does in many short callbacks looks like one long turn.
 */
export function longestTurns(profile: CpuProfile, returns: readonly LoopReturn[], count: number): readonly Turn[] {
  const longest: Stretch[] = [];
  for (const stretch of stretches(profile, returns)) {
    if (longest.length === count && stretch.micros <= (longest.at(-1)?.micros ?? 0)) continue;
    longest.push(stretch);
    longest.sort((a, b) => b.micros - a.micros).splice(count);
  }
  return longest.map((stretch) => ({
    atMs: (stretch.from - profile.startTime) / 1_000,
    ms: stretch.micros / 1_000,
    cpuMs: cpuMsOf(stretch, returns),
    stack: commonStack(stretch),
  }));
}
