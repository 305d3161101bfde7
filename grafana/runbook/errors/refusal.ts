import { METRICS } from '../../declared.ts';
import { ask, perSecond } from '../ask.ts';
import type { RunbookStep } from '../entry.ts';

/** Refusals by their reasons: a refusal is counted under its finest word, else under its code. */
export const refusals = (reasons: string, expect: string): RunbookStep =>
  ask(
    'Who refuses, and under which reason it is counted.',
    perSecond(METRICS.golden.rejected, 'service, reason', `reason=~"${reasons}"`),
    expect,
  );

/** Answers of one status by route: where callers meet it. */
export const answers = (status: number, expect: string): RunbookStep =>
  ask('On which routes.', perSecond(METRICS.golden.httpRequests, 'route, method', `code="${status}"`), expect);
