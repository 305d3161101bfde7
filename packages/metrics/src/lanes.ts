import type { Declaration } from './declarations.ts';
import { Family } from './family.ts';
import type { HandlesOf } from './handles.ts';
import { type Declarations, HEADER, HEADER_CELLS, type LaneLayout, LanesError, layoutOf } from './lane-layout.ts';
import { SeriesCap } from './series-cap.ts';
import { Slab } from './slab.ts';

/** Lanes of one memory: a lane per thread, and no process of ours runs more threads. */
const LANES_MAX = 64;

/** What a scope reads at a scrape: the families of a lane, and the slab their series are in. */
export interface ReadLane {
  readonly slab: Slab;
  readonly families: readonly Family[];
}

interface Lane<T extends Declarations> extends ReadLane {
  readonly handles: HandlesOf<T>;
}

/** Gives each series of `declarations` its slots in `slab`, in the order of the layout. */
export function laneOver<T extends Declarations>(declarations: T, slab: Slab): Lane<T> {
  // What cannot be read at the scrape is seen there; in the thread of the lane nothing is read.
  const room = { slab, cap: new SeriesCap(Infinity), failed: () => undefined };
  const families: Family[] = [];
  const handles = Object.entries(declarations).map(([key, declaration]) => {
    const filled: Declaration = { ...declaration, zeroFill: true };
    const family = new Family(filled, room);
    families.push(family);
    return [key, family.handle(filled, {})];
  });
  // Each handle is made for its declaration's type and labels; the mapping over keys is beyond the compiler.
  return { slab, families, handles: Object.freeze(Object.fromEntries(handles)) as HandlesOf<T> };
}

function slabOf(buffer: SharedArrayBuffer, { cells }: LaneLayout, lane: number, remote: boolean): Slab {
  const offset = (HEADER_CELLS + lane * cells) * Float64Array.BYTES_PER_ELEMENT;
  return new Slab({ values: new Float64Array(buffer, offset, cells), remote });
}

/**
 * Metrics that several threads count at once. Every thread has a lane of its own in one shared memory and is the only one
 * that writes there, so an addition needs no Atomics: nobody can come between its read and its write. A scrape adds the
 * lanes up. It may see a count a moment late, never half of one: an aligned double is read whole.
 *
 * Every combination of labels has its slot from the start, so labels are closed lists and everything is exposed as 0.
 */
export class Lanes<const T extends Declarations = Declarations> {
  /** To be given to the other threads, for {@link bindLane}. */
  readonly buffer: SharedArrayBuffer;
  readonly declarations: T;
  readonly #lanes: readonly Lane<T>[];

  private constructor(declarations: T, buffer: SharedArrayBuffer, lanes: readonly Lane<T>[]) {
    this.declarations = declarations;
    this.buffer = buffer;
    this.#lanes = lanes;
  }

  /** Memory for `count` threads, 1 to 64. Throws LanesError where a label has no closed list. */
  static create<const T extends Declarations>(declarations: T, count: number): Lanes<T> {
    if (!Number.isInteger(count) || count < 1 || count > LANES_MAX) {
      throw new LanesError(`${count} lanes: 1 to ${LANES_MAX} are possible`);
    }
    const layout = layoutOf(declarations);
    const cells = HEADER_CELLS + count * layout.cells;
    const buffer = new SharedArrayBuffer(cells * Float64Array.BYTES_PER_ELEMENT);
    const header = new Float64Array(buffer, 0, HEADER_CELLS);
    header[HEADER.checksum] = layout.checksum;
    header[HEADER.lanes] = count;
    const lanes = Array.from({ length: count }, (_, lane) =>
      laneOver(declarations, slabOf(buffer, layout, lane, false)),
    );
    return new Lanes(declarations, buffer, lanes);
  }

  /** Handles of a lane for this thread, typed as those of `scope.bind`. The caller is its one writer. */
  bind(lane: number): HandlesOf<T> {
    const bound = this.#lanes[lane];
    if (bound === undefined) throw new LanesError(`there is no lane ${lane} of ${this.#lanes.length}`);
    return bound.handles;
  }

  /** @internal */
  get read(): readonly ReadLane[] {
    return this.#lanes;
  }
}

/**
 * Handles of a lane of memory another thread made with {@link Lanes.create}; this thread is the lane's one writer until
 * it ends, then another may take the lane over and counts on. `collect` is a misuse here and exemplars are not shown: the
 * scraping thread sees numbers only. Throws LanesError where the memory was made from other declarations.
 */
export function bindLane<const T extends Declarations>(
  declarations: T,
  buffer: SharedArrayBuffer,
  lane: number,
): HandlesOf<T> {
  const layout = layoutOf(declarations);
  if (buffer.byteLength < HEADER_CELLS * Float64Array.BYTES_PER_ELEMENT)
    throw new LanesError('this memory has no lanes');
  const header = new Float64Array(buffer, 0, HEADER_CELLS);
  if (header[HEADER.checksum] !== layout.checksum) {
    throw new LanesError('the memory was made from other declarations, or by another version');
  }
  const lanes = header[HEADER.lanes] ?? 0;
  if (!Number.isInteger(lane) || lane < 0 || lane >= lanes)
    throw new LanesError(`there is no lane ${lane} of ${lanes}`);
  return laneOver(declarations, slabOf(buffer, layout, lane, true)).handles;
}
