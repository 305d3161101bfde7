import { expect, it } from 'vitest';
import { VuLedger } from './vu-ledger.ts';

function ledger() {
  const counts: Record<string, number> = {};
  return { counts, ledger: new VuLedger((event) => (counts[event] = (counts[event] ?? 0) + 1)) };
}

it('counts a message once, however often it comes before its acknowledgement', () => {
  const { counts, ledger: one } = ledger();
  one.delivered('a');
  one.acknowledging('a');
  one.delivered('a');
  one.acknowledging('a');
  one.acknowledged('a');
  expect(counts).toEqual({ delivered: 1, redelivered: 1, acknowledging: 1, acknowledged: 1 });
});

it('notices a delivery after the acknowledgement was confirmed', () => {
  const { counts, ledger: one } = ledger();
  one.delivered('a');
  one.acknowledging('a');
  one.acknowledged('a');
  one.delivered('a');
  expect(counts['after_ack']).toBe(1);
});
