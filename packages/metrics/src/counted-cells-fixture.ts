import type { HandlesOf } from './handles.ts';
import { type Declarations, layoutOf } from './lane-layout.ts';
import { laneOver } from './lanes.ts';
import { Slab } from './slab.ts';

/** Handles whose every write to a cell is counted, for tests of what counting costs. */
export interface CountedCells<T extends Declarations> {
  readonly handles: HandlesOf<T>;
  /** Writes to cells since the handles were made: one per `inc`, `dec` or `set`, two per observation. */
  readonly writes: () => number;
}

/** Handles as `Lanes.bind` gives them, over memory that counts. Labels are closed lists. */
export function countedCells<const T extends Declarations>(declarations: T): CountedCells<T> {
  let writes = 0;
  const values = new Proxy(new Float64Array(layoutOf(declarations).cells), {
    get: (target, key): unknown => Reflect.get(target, key),
    set: (target, key, value) => {
      writes += 1;
      return Reflect.set(target, key, value);
    },
  });
  return { handles: laneOver(declarations, new Slab({ values, remote: false })).handles, writes: () => writes };
}
