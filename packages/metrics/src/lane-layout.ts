import { createHash } from 'node:crypto';
import { HistogramCell } from './cells.ts';
import type { Declaration } from './declarations.ts';
import { SLAB_OVERHEAD } from './slab.ts';

export type Declarations = Readonly<Record<string, Declaration>>;

/** Lanes that do not fit: another layout on the other side, a lane that is not there, labels without a closed list. */
export class LanesError extends Error {
  override readonly name = 'LanesError';
}

/** Changed whenever the same declarations would lead to other slots. */
const LAYOUT_VERSION = 1;
/** A cache line is 64 to 128 bytes; whole blocks of 512 keep off each other with any prefetcher. */
const BLOCK_CELLS = 64;
/** A lane ends in so many unused cells, so that no line is shared when the memory itself begins within one. */
const GAP_CELLS = 16;
/** Bytes of the checksum: what a double holds exactly. */
const CHECKSUM_BYTES = 6;

/** Cells before the first lane. */
export const HEADER_CELLS = BLOCK_CELLS;
export const HEADER = Object.freeze({ checksum: 0, lanes: 1 });

/** Where the slots of some declarations are: the same in every thread that has the same declarations. */
export interface LaneLayout {
  /** Cells of one lane, its padding included. */
  readonly cells: number;
  /** Tells layouts apart. */
  readonly checksum: number;
}

function seriesOf({ name, labels }: Declaration): number {
  let series = 1;
  for (const [label, spec] of Object.entries(labels)) {
    if ('max' in spec) throw new LanesError(`metric ${name}: label ${label} has no closed list, so it has no slots`);
    series *= spec.length;
  }
  return series;
}

const slotsOf = (declaration: Declaration): number =>
  declaration.type === 'histogram' ? HistogramCell.slots(declaration.buckets) : 1;

/** The layout of a lane: every combination of labels has its slots, in the order of the declarations. Pure. */
export function layoutOf(declarations: Declarations): LaneLayout {
  const all = Object.values(declarations);
  if (new Set(all.map(({ name }) => name)).size < all.length) throw new LanesError('a metric is declared twice');
  const slots = all.reduce((sum, declaration) => sum + seriesOf(declaration) * slotsOf(declaration), SLAB_OVERHEAD);
  const text = JSON.stringify([LAYOUT_VERSION, declarations]);
  return {
    cells: Math.ceil((slots + GAP_CELLS) / BLOCK_CELLS) * BLOCK_CELLS,
    checksum: createHash('sha256').update(text).digest().readUIntBE(0, CHECKSUM_BYTES),
  };
}
