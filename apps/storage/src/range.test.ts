import type { ReadConditions } from '@macronode/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeRead, type ReadVerdict } from './range.ts';

const ID = `b3:${'a'.repeat(64)}`;
const OTHER = `b3:${'b'.repeat(64)}`;
const TAG = `"${ID}"`;
const SIZE = 1_000;

type Given = Omit<ReadConditions, 'method'> & { method?: 'GET' | 'HEAD'; size?: number };
const judge = ({ size = SIZE, method = 'GET', ...rest }: Given): ReadVerdict =>
  judgeRead(ID, size, { method, ...rest });

const full = (size = SIZE): ReadVerdict => ({ outcome: 'full', start: 0, end: size });
const part = (start: number, end: number): ReadVerdict => ({ outcome: 'partial', start, end });
const unsatisfiable: ReadVerdict = { outcome: 'unsatisfiable', start: 0, end: 0 };
const failed: ReadVerdict = { outcome: 'precondition_failed', start: 0, end: 0 };
const unmodified: ReadVerdict = { outcome: 'not_modified', start: 0, end: 0 };

const HUGE = '9'.repeat(40);

describe('Range', () => {
  const table: readonly (readonly [string, ReadVerdict])[] = [
    ['bytes=0-0', part(0, 1)],
    ['bytes=0-999', part(0, 1_000)],
    ['bytes=0-1000', part(0, 1_000)],
    ['bytes=0-', part(0, 1_000)],
    ['bytes=999-', part(999, 1_000)],
    ['bytes=500-599', part(500, 600)],
    ['bytes=0500-0599', part(500, 600)],
    ['bytes=-1', part(999, 1_000)],
    ['bytes=-1000', part(0, 1_000)],
    ['bytes=-1001', part(0, 1_000)],
    [`bytes=-${HUGE}`, part(0, 1_000)],
    [`bytes=10-${HUGE}`, part(10, 1_000)],
    ['BYTES=0-4', part(0, 5)],
    ['Bytes=0-4', part(0, 5)],
    ['  bytes=0-4  ', part(0, 5)],
    ['bytes= 0-4', part(0, 5)],
    ['bytes=,0-4', part(0, 5)],
    ['bytes=0-4, ,', part(0, 5)],
    ['bytes=1000-', unsatisfiable],
    ['bytes=1000-1001', unsatisfiable],
    [`bytes=${HUGE}-`, unsatisfiable],
    ['bytes=9007199254740993-9007199254740993', unsatisfiable],
    ['bytes=-0', unsatisfiable],
    ['bytes=-000', unsatisfiable],
    ['bytes=1000-,2000-3000', unsatisfiable],
    ['bytes=0-4,1000-', part(0, 5)],
    ['bytes=-0,-5', part(995, 1_000)],
    ['bytes=0-4,10-14', full()],
    ['bytes=0-4,2-8', full()],
    ['bytes=5-4', full()],
    ['bytes=9007199254740993-9007199254740992', full()],
    ['bytes=0-4,5-4', full()],
    ['bytes=', full()],
    ['bytes=,', full()],
    ['bytes=-', full()],
    ['bytes=a-b', full()],
    ['bytes=0', full()],
    ['bytes=0-4-8', full()],
    ['bytes=--5', full()],
    ['bytes=+1-5', full()],
    ['bytes=1.5-3', full()],
    ['bytes=0 -4', full()],
    ['bytes=0x1-5', full()],
    ['bytes 0-4', full()],
    ['bytes:0-4', full()],
    ['items=0-4', full()],
    ['0-4', full()],
    ['', full()],
  ];
  it.each(table)('%j', (range, verdict) => {
    expect(judge({ range })).toEqual(verdict);
  });

  it.each(['bytes=0-', 'bytes=0-0', 'bytes=-1', 'bytes=-0', 'bytes=5-9'])('%j of the empty object', (range) => {
    expect(judge({ range, size: 0 })).toEqual(unsatisfiable);
  });
  it.each(['bytes=x', 'bytes=4-1', 'lines=1-2'])('malformed %j of the empty object', (range) => {
    expect(judge({ range, size: 0 })).toEqual(full(0));
  });
  it.each(['bytes=0-4', 'bytes=1000-', 'bytes=-0'])('HEAD ignores %j', (range) => {
    expect(judge({ range, method: 'HEAD' })).toEqual(full());
  });
});

describe('conditions', () => {
  const matching = [TAG, ` ${TAG} `, '*', `"x", ${TAG}`, `${TAG},"x"`, `,${TAG}`, `"a,b" , ${TAG}`, `"",${TAG}`];
  const weak = [`W/${TAG}`, `"x",W/${TAG}`];
  const other = [
    `"${OTHER}"`,
    '"x"',
    '""',
    ID,
    `'${ID}'`,
    `w/${TAG}`,
    '',
    ',',
    `${TAG} x`,
    `"${ID}`,
    `${TAG}${TAG}`,
    '**',
  ];

  it.each(matching)('If-Match %j holds', (if_match) => {
    expect(judge({ if_match })).toEqual(full());
  });
  it.each([...weak, ...other])('If-Match %j fails: the comparison is strong', (if_match) => {
    expect(judge({ if_match, method: 'HEAD' })).toEqual(failed);
    expect(judge({ if_match, range: 'bytes=0-1' })).toEqual(failed);
  });

  it.each([...matching, ...weak])('If-None-Match %j is not modified: the comparison is weak', (if_none_match) => {
    expect(judge({ if_none_match })).toEqual(unmodified);
    expect(judge({ if_none_match, method: 'HEAD' })).toEqual(unmodified);
    expect(judge({ if_none_match, range: 'bytes=1000-' })).toEqual(unmodified);
  });
  it.each(other)('If-None-Match %j is modified', (if_none_match) => {
    expect(judge({ if_none_match })).toEqual(full());
    expect(judge({ if_none_match, range: 'bytes=0-1' })).toEqual(part(0, 2));
  });

  it('asks If-Match before If-None-Match', () => {
    expect(judge({ if_match: '"x"', if_none_match: TAG })).toEqual(failed);
    expect(judge({ if_match: TAG, if_none_match: TAG })).toEqual(unmodified);
  });

  it.each([TAG, ` ${TAG} `])('If-Range %j honours Range', (if_range) => {
    expect(judge({ if_range, range: 'bytes=0-1' })).toEqual(part(0, 2));
    expect(judge({ if_range, range: 'bytes=1000-' })).toEqual(unsatisfiable);
  });
  it.each([`W/${TAG}`, `"${OTHER}"`, `${TAG},${TAG}`, '*', ID, 'Sat, 29 Oct 1994 19:43:31 GMT', ''])(
    'If-Range %j ignores Range, satisfiable or not',
    (if_range) => {
      expect(judge({ if_range, range: 'bytes=0-1' })).toEqual(full());
      expect(judge({ if_range, range: 'bytes=1000-' })).toEqual(full());
    },
  );
  it('does not look at If-Range without Range', () => {
    expect(judge({ if_range: '"x"' })).toEqual(full());
  });
});

describe('any header', () => {
  it('gives a span inside the object and never throws', () => {
    const headers = fc.oneof(
      fc.string(),
      fc.stringMatching(/^bytes=[-0-9, ]{0,20}$/),
      fc.tuple(fc.bigInt({ min: 0n }), fc.bigInt({ min: 0n })).map(([a, b]) => `bytes=${a}-${b}`),
    );
    const sizes = fc.oneof(fc.nat(200), fc.nat(2 ** 30));
    fc.assert(
      fc.property(headers, sizes, (range, size) => {
        const { outcome, start, end } = judge({ range, size });
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(size);
        if (outcome === 'partial') expect(end).toBeGreaterThan(start);
        if (outcome === 'full') expect([start, end]).toEqual([0, size]);
      }),
      { numRuns: 2_000, seed: 3 },
    );
  });

  it('terminates on any list of tags', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[W/", *x\t]{0,40}$/), (header) => {
        judge({ if_match: header, if_none_match: header });
      }),
      { numRuns: 2_000, seed: 4 },
    );
  });
});
