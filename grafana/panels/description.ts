import type { PanelSpec } from '../panel.ts';
import { runbookUrl } from '../runbook/entry.ts';

/** What a panel is, what good looks like, what to do when it is bad, and where that is written down. */
export function descriptionOf({ what, good, bad, limit, runbook }: PanelSpec): string {
  const line = limit === undefined ? '' : ` Line: ${limit.why}`;
  return `${what} Good: ${good} Bad: ${bad}${line} [Runbook: ${runbook}](${runbookUrl(runbook)})`;
}
