/** A closed loop: so many users go round as fast as they are answered. */
export interface LoadPoint {
  readonly users: number;
  /** Requests a second. */
  readonly rate: number;
}

/** Universal scalability law (Gunther): rate(n) = single · n / (1 + contention · (n − 1) + coherence · n · (n − 1)). */
export interface Scalability {
  /** Rate of one user. */
  readonly single: number;
  /** Share of the work that only one can do at a time. */
  readonly contention: number;
  /** Cost of agreeing, for each pair. */
  readonly coherence: number;
}

/**
 * Least squares of n / rate, which is linear in the three unknowns; contention and coherence are not negative. Rates that
 * only grow faster than the users fit a law with neither.
 */
export function fitScalability(points: readonly LoadPoint[]): Scalability {
  const fits = [
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ] as const;
  const candidates = fits.flatMap(([contention, coherence]) => {
    const columns = (n: number): number[] => [1, ...(contention ? [n - 1] : []), ...(coherence ? [n * (n - 1)] : [])];
    const solved = leastSquares(
      points.map(({ users }) => columns(users)),
      points.map(({ users, rate }) => users / rate),
    );
    if (solved === undefined) return [];
    const [base = 0, second = 0, third = 0] = solved;
    const law: Scalability = {
      single: 1 / base,
      contention: contention ? second / base : 0,
      coherence: coherence ? (contention ? third : second) / base : 0,
    };
    return law.single > 0 && law.contention >= 0 && law.coherence >= 0 ? [law] : [];
  });
  const error = (law: Scalability): number =>
    points.reduce((sum, { users, rate }) => sum + (users / rateAt(law, users) - users / rate) ** 2, 0);
  const [best] = candidates.sort((a, b) => error(a) - error(b));
  if (best === undefined) throw new Error('no scalability law fits these points');
  return best;
}

export const rateAt = ({ single, contention, coherence }: Scalability, users: number): number =>
  (single * users) / (1 + contention * (users - 1) + coherence * users * (users - 1));

/** The fewest users that reach so much of the best rate: more of them only wait longer. */
export function kneeOf(points: readonly LoadPoint[], share = 0.9): LoadPoint {
  const best = Math.max(...points.map(({ rate }) => rate));
  const knee = [...points].sort((a, b) => a.users - b.users).find(({ rate }) => rate >= share * best);
  if (knee === undefined) throw new Error('a knee needs points');
  return knee;
}

/** Solves the normal equations by elimination with pivots; undefined when the columns are not independent. */
function leastSquares(rows: readonly (readonly number[])[], values: readonly number[]): number[] | undefined {
  const width = rows[0]?.length;
  if (width === undefined) return undefined;
  const cell = (row: readonly number[] | undefined, at: number): number => row?.[at] ?? 0;
  const matrix = Array.from({ length: width }, (_, i) => [
    ...Array.from({ length: width }, (__, j) => rows.reduce((sum, row) => sum + cell(row, i) * cell(row, j), 0)),
    rows.reduce((sum, row, at) => sum + cell(row, i) * (values[at] ?? 0), 0),
  ]);
  for (let column = 0; column < width; column += 1) {
    const pivot = matrix
      .slice(column)
      .reduce((best, row) => (Math.abs(cell(row, column)) > Math.abs(cell(best, column)) ? row : best));
    if (Math.abs(cell(pivot, column)) < 1e-15) return undefined;
    const at = matrix.indexOf(pivot);
    matrix[at] = matrix[column] ?? pivot;
    matrix[column] = pivot;
    for (const row of matrix) {
      if (row === pivot) continue;
      const factor = cell(row, column) / cell(pivot, column);
      for (let j = column; j <= width; j += 1) row[j] = cell(row, j) - factor * cell(pivot, j);
    }
  }
  return matrix.map((row, i) => cell(row, width) / cell(row, i));
}
