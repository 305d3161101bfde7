import { expectCount, type MicroCase } from '../micro/micro-case.ts';

/** One way to count. */
export interface CountingCase {
  readonly name: string;
  /** Of one run: enough for 100 ms, for a thread's CPU time is known to some ms. */
  readonly operations: number;
  readonly make: () => Counting;
}

export interface Counting {
  readonly once: (value: number) => void;
  /** How often it was counted, by what counted. */
  readonly counted: () => number | Promise<number>;
}

/** A power of two, so that the next value is a mask away. */
const VALUES = 1_024;
const DECADES = 5;

/** Seconds over five decades, from 0.1 ms to 10 s, the same in every process, in an order no branch predictor knows. */
function someSeconds(): Float64Array {
  let state = 1;
  return Float64Array.from({ length: VALUES }, () => {
    state = (state * 48_271) % 0x7fffffff;
    return 10 ** ((state / 0x7fffffff) * DECADES - 4);
  });
}

const nothing = (_seconds: number): void => undefined;

/** Counts once for each of these values, beside a loop over the same values that counts nothing. */
export function countingCase({ name, operations, make }: CountingCase): MicroCase {
  return {
    name,
    operations,
    clock: 'cpu',
    prepare: (times) => {
      const { once, counted } = make();
      const seconds = someSeconds();
      let done = 0;
      return {
        work: () => {
          for (let n = 0; n < times; n += 1) once(seconds[n & (VALUES - 1)] ?? 0);
          done += times;
        },
        floor: () => {
          for (let n = 0; n < times; n += 1) nothing(seconds[n & (VALUES - 1)] ?? 0);
        },
        check: async () => expectCount(name, await counted(), done),
      };
    },
  };
}
