import type { PanelSpec } from '../panel.ts';
import { runbookUrl } from '../runbook/entry.ts';
import type { LinkJson } from './json.ts';
import { TEMPO } from './datasource.ts';

/** Percent-encodes all but the variables, which Grafana fills in after it has read the URL. */
const encode = (text: string): string =>
  text
    .split(/(\$\{[^}]+\})/)
    .map((part, index) => (index % 2 === 1 ? part : encodeURIComponent(part)))
    .join('');

/** The trace search of Grafana with a TraceQL query, over the time range of the board. */
function traceSearchUrl(traceQl: string): string {
  const panes = {
    traces: {
      datasource: TEMPO.uid,
      queries: [{ refId: 'A', datasource: TEMPO, queryType: 'traceql', query: traceQl }],
      range: { from: '${__from}', to: '${__to}' },
    },
  };
  return `/explore?schemaVersion=1&panes=${encode(JSON.stringify(panes))}`;
}

/** Where a point of a panel leads: the traces behind it, and what to do. */
export const dataLinksOf = ({ runbook, traces }: PanelSpec): readonly LinkJson[] => [
  ...(traces === undefined ? [] : [{ targetBlank: true, title: 'Traces', url: traceSearchUrl(traces) }]),
  { targetBlank: true, title: `Runbook: ${runbook}`, url: runbookUrl(runbook) },
];
