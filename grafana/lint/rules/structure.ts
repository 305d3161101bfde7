import { ROW_ORDER } from '../../panel.ts';
import { anchorOf } from '../../runbook/entry.ts';
import { TAG } from '../../panels/dashboard-json.ts';
import { type Broken, eachPanel, ofBoard, panelsOf, type Rule, type Subject } from '../rule.ts';

/** Boards that are watched, not searched: everything is open. */
const WATCHED: ReadonlySet<string> = new Set(['macronode-overview', 'macronode-load']);
const OVERVIEW = 'macronode-overview';
/** Numbers a person takes in at once. */
const FIRST_SCREEN = 6;
const ANNOTATIONS = ['Starts and deploys', 'Alerts firing', 'Load tests', 'Faults'];

/** D21: from the promise to the build, and what is searched is closed but for its first row. */
function rows({ board }: Subject): readonly Broken[] {
  const places = board.rows.map(({ about }) => ROW_ORDER.indexOf(about));
  const disordered = board.rows.filter((_row, index) => (places[index] ?? 0) < (places[index - 1] ?? 0));
  const folded = board.rows.filter(({ collapsed }, index) => collapsed !== (index > 0 && !WATCHED.has(board.uid)));
  return [
    ...disordered.map(({ title }) => ({ says: `the row "${title}" comes too late` })),
    ...folded.map(({ title, collapsed }) => ({ says: `the row "${title}" is ${collapsed ? 'closed' : 'open'}` })),
  ];
}

/** D22: from any board to any other with its variables, and from a panel to traces and runbook. */
function links(subject: Subject): readonly Broken[] {
  const dropdown = subject.json.links.some(
    (link) =>
      link['asDropdown'] === true &&
      link['includeVars'] === true &&
      link['keepTime'] === true &&
      JSON.stringify(link['tags']) === JSON.stringify([TAG]),
  );
  return [
    ...(dropdown ? [] : [{ says: 'has no dropdown of its family that keeps variables and time' }]),
    ...eachPanel(subject, ({ fieldConfig, targets }) => {
      const titles = (fieldConfig?.defaults.links ?? []).map(({ title }) => title);
      if (!titles.some((title) => title.startsWith('Runbook: '))) return 'does not lead to the runbook';
      const traced = (targets ?? []).some(({ exemplar }) => exemplar === true);
      return traced && !titles.includes('Traces') ? 'shows exemplars and does not lead to traces' : undefined;
    }),
  ];
}

/** D24: are users happy, in six numbers coloured by their objectives. */
function firstScreen({ board }: Subject): readonly Broken[] {
  const [first] = board.rows;
  if (board.uid !== OVERVIEW || first === undefined) return [];
  const { panels } = first;
  return [
    ...(panels.length > FIRST_SCREEN ? [{ says: `${panels.length} numbers on the first screen` }] : []),
    ...panels
      .filter(({ kind, limit }) => kind !== 'stat' || limit === undefined)
      .map(({ title }) => ({ panel: title, says: 'is no number coloured by an objective' })),
  ];
}

/** L9, of one board: every link to the runbook ends at the anchor of the heading the panel names. */
const anchors = ({ board, json }: Subject): readonly Broken[] => {
  const headings = new Map(board.rows.flatMap(({ panels }) => panels.map(({ title, runbook }) => [title, runbook])));
  return panelsOf(json).flatMap(({ title, description = '', fieldConfig }) => {
    const anchor = `#${anchorOf(headings.get(title) ?? '')}`;
    const urls = (fieldConfig?.defaults.links ?? []).map(({ url }) => url).filter((url) => url.includes('/runbook.md'));
    const astray = urls.some((url) => !url.endsWith(anchor)) || !description.endsWith(`${anchor})`);
    return astray ? [{ panel: title, says: `its runbook link does not end at ${anchor}` }] : [];
  });
};

/** D21 to D25, and L9 where it is about one board. */
export const structureRules: readonly Rule[] = [
  { name: 'D21', check: rows },
  { name: 'D22', check: links },
  ofBoard('D23', ({ json }) => {
    const missing = ANNOTATIONS.filter((name) => !json.annotations.list.some((annotation) => annotation.name === name));
    return missing.length > 0 && `has no annotation for ${missing.join(', ')}`;
  }),
  { name: 'D24', check: firstScreen },
  { name: 'L9', check: anchors },
  ofBoard(
    'D25',
    ({ json: { refresh, time } }) =>
      (!/^[123]\ds$|^30s$/.test(refresh) || time.from !== 'now-15m') && `refreshes every ${refresh}, from ${time.from}`,
  ),
];
