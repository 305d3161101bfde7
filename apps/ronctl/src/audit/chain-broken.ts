/** What is wrong with a log, as far as it can be told apart. */
export type Break = 'changed' | 'removed' | 'reordered' | 'wrong_key' | 'not_continued';

/** Where a line stands. */
export interface Place {
  readonly file: string;
  /** 1 for the first. */
  readonly line: number;
}

/** Thrown for the first line that is not as it must be. */
export class ChainBroken extends Error {
  override readonly name = 'ChainBroken';
  readonly kind: Break;
  readonly place: Place;

  constructor(kind: Break, place: Place, problem: string) {
    super(`${place.file}:${place.line}: ${problem}`);
    this.kind = kind;
    this.place = place;
  }
}
