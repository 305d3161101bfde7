// The turns of an event loop, read from the samples of a CPU profile. Pure.
import { type CpuProfile, IDLE, type Place, sampleMicros, stacksOf } from './cpu-profile.ts';

/** Native code that belongs to no call: between two callbacks, or waiting for the system. */
const PROGRAM = '(program)';
/** A frame belongs to what a turn did when the turn spent at least this share of its time below it. */
const SHARE_MIN = 0.5;

/** A stretch in which the program ran and did not return to the event loop. */
export interface Turn {
  /** Milliseconds after the profile began. */
  readonly atMs: number;
  readonly ms: number;
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

/**
 * The longest turns, longest first. A turn ends where V8 saw the process idle or in native code of no call, and at each
 * of `returns`: times at which a timer of the process ran, in microseconds of the profile's clock. Without these, what
 * a busy loop does in many short callbacks looks like one long turn.
 */
export function longestTurns(profile: CpuProfile, returns: readonly number[], count: number): readonly Turn[] {
  const stacks = stacksOf(profile);
  const micros = sampleMicros(profile);
  const longest: Stretch[] = [];
  let open: Stretch | undefined;
  let nextReturn = 0;
  let at = profile.startTime;
  const close = (): void => {
    if (open !== undefined) longest.push(open);
    longest.sort((a, b) => b.micros - a.micros).splice(count);
    open = undefined;
  };
  for (const [index, node] of profile.samples.entries()) {
    at += profile.timeDeltas[index] ?? 0;
    while ((returns[nextReturn] ?? Infinity) <= at) {
      nextReturn += 1;
      close();
    }
    const stack = stacks.get(node) ?? [];
    const own = stack.at(-1)?.name;
    if (own === undefined || own === IDLE || own === PROGRAM) {
      close();
      continue;
    }
    open ??= { from: at, micros: 0, samples: [] };
    open.micros += micros[index] ?? 0;
    open.samples.push({ stack, micros: micros[index] ?? 0 });
  }
  close();
  return longest.map((stretch) => ({
    atMs: (stretch.from - profile.startTime) / 1_000,
    ms: stretch.micros / 1_000,
    stack: commonStack(stretch),
  }));
}
