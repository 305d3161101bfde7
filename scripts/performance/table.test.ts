import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BENCHES } from '../benches/benches.ts';
import { ROOT } from '../bootstrap.mjs';
import { VERBS } from '../verbs.mjs';
import { calledBy, rowFaults, type TargetRow, targetRows } from './table.ts';
import { TARGETS } from './targets.ts';

const rows = targetRows(readFileSync(join(ROOT, 'docs', 'performance.md'), 'utf8'));

describe('the table of targets', () => {
  it('has a row for every target of the documents, and each once', () => {
    expect(rows.map(({ id }) => id).sort()).toEqual(TARGETS.map(({ id }) => id).sort());
  });

  it.each(rows.map((row) => [row.id, row] as const))('%s is complete, and its command exists', (_, row) => {
    expect(rowFaults(row)).toEqual([]);
    const { verbs, benches } = calledBy(row);
    for (const verb of verbs) expect(Object.keys(VERBS)).toContain(verb);
    for (const bench of benches) expect(Object.keys(BENCHES)).toContain(bench);
  });
});

describe('a row', () => {
  const sound: TargetRow = {
    ...{ id: 'x.y', target: '< 1 ms', measured: '0.5 ms', command: '`npm run bench -- oap`' },
    ...{ machine: 'A', verdict: 'met' },
  };
  it('is sound when it says everything', () => {
    expect(rowFaults(sound)).toEqual([]);
    expect(rowFaults({ ...sound, verdict: 'short: 2 ms, the disk' })).toEqual([]);
    expect(rowFaults({ ...sound, verdict: 'part 7: the object cache' })).toEqual([]);
  });

  it.each([
    [{ measured: '' }, 'no measured'],
    [{ command: 'by hand' }, 'no command'],
    [{ verdict: '' }, 'the verdict'],
    [{ verdict: 'short' }, 'the verdict'],
    [{ verdict: 'part 4' }, 'the verdict'],
    [{ machine: '' }, 'no machine'],
  ] as const)('%o is found', (change, fault) => {
    expect(rowFaults({ ...sound, ...change }).join()).toContain(fault);
  });

  it('names what its command calls', () => {
    expect(calledBy({ ...sound, command: '`npm run bench -- oap`, `npm test`' })).toEqual({
      ...{ verbs: ['bench', 'test'], benches: ['oap'] },
    });
  });
});
