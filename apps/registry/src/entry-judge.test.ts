import { describe, expect, it } from 'vitest';
import { BAD_LOGS, FIRST, GOOD_LOGS, type JudgedLog } from './bad-entries-fixture.ts';
import { judgeEntry, type Place, placeAfter } from './entry-judge.ts';

/** What each entry of a log is refused for. */
function faultsOf({ entries }: JudgedLog): (string | undefined)[] {
  const { log, ...set } = FIRST;
  let place: Place = { log, version: 1, prevHash: null, set: { ...set, version: 0 }, sealed: false };
  return entries.map((entry) => {
    const verdict = judgeEntry(entry, place);
    place = placeAfter(place, entry, verdict);
    return verdict.fault;
  });
}

describe('an entry is judged', () => {
  it.each(GOOD_LOGS)('good: $what', (judged) => {
    expect(faultsOf(judged)).toEqual(judged.entries.map(() => undefined));
  });

  it.each(BAD_LOGS)('bad: $what', (judged) => {
    const before = judged.entries.slice(1).map(() => undefined);
    expect(faultsOf(judged)).toEqual([...before, judged.fault]);
  });

  it('in a log that has no signers yet', () => {
    const [{ entries }] = GOOD_LOGS as [JudgedLog];
    const place = { log: FIRST.log, version: 1, prevHash: null, set: undefined, sealed: false };
    expect(entries.slice(0, 1).map((entry) => judgeEntry(entry, place).fault)).toEqual(['signer set']);
  });
});
