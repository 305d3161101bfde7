import { METRICS } from './declared.ts';

const RECORDED = 'Read by a recording rule; its recorded series is on a board.';

/**
 * Declared metrics that are on no board and in no rule, each with the reason. A metric that is used and left out at the
 * same time is a finding of the lint, so that no excuse outlives its cause.
 */
export const UNUSED: Readonly<Record<string, string>> = Object.freeze({
  [METRICS.storage.diskFree.name]: RECORDED,
  [METRICS.mailbox.oldestReady.name]: RECORDED,
  [METRICS.store.queueDepth.name]: RECORDED,
  [METRICS.bus.lagSeconds.name]: RECORDED,
  [METRICS.bus.oldestPending.name]: RECORDED,
  [METRICS.bus.reconnects.name]: RECORDED,
});
