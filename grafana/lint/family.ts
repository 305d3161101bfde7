import { ERRORS, SERVICES } from '@macronode/contracts';
import type { Board, PanelSpec } from '../panel.ts';
import type { Alert } from '../rules/alert.ts';
import { REAL_CLOCK } from '../rules/clock.ts';
import type { Catalogue } from './catalogue.ts';
import { selectorsIn } from './promql.ts';
import type { Finding, Subject } from './rule.ts';
import { queryProblems } from './rules/closure.ts';
import { usedMetrics } from './usage.ts';

/** What stands beside the boards and must fit them. */
export interface Surroundings {
  readonly alerts: readonly Alert[];
  /** Every expression of the rule files. */
  readonly expressions: readonly string[];
  /** Metrics left out, each with its reason. */
  readonly unused: Readonly<Record<string, string>>;
  readonly catalogue: Catalogue;
}

/** Panels that may ask the same before the answer has to be recorded. */
const MAX_REPEATS = 2;

const panelsOf = ({ rows }: Board): readonly PanelSpec[] => rows.flatMap(({ panels }) => panels);

const repeated = (values: readonly string[]): ReadonlySet<string> =>
  new Set(values.filter((value, index) => values.indexOf(value) !== index));

/** D12: what more than two panels ask, or an alert watches, is recorded once. */
function recording(boards: readonly Board[], { catalogue }: Surroundings): readonly Finding[] {
  const askers = new Map<string, Finding[]>();
  for (const board of boards) {
    for (const { title, targets } of panelsOf(board)) {
      for (const { expr } of targets) {
        const recorded = selectorsIn(expr).every(({ metric }) => catalogue.recorded.has(metric));
        const says = 'asks what more than two panels ask: record it';
        // A gauge as it is costs no more than its recorded copy.
        if (recorded || !expr.includes('rate(')) continue;
        askers.set(expr, [...(askers.get(expr) ?? []), { board: board.uid, panel: title, rule: 'D12', says }]);
      }
    }
  }
  return [...askers.values()].filter((findings) => findings.length > MAX_REPEATS).flat();
}

const sameNumber = (alert: Alert, { limit, floor = false }: PanelSpec): boolean =>
  limit?.value === alert.bound?.value && (alert.bound === undefined || floor === alert.comparison.startsWith('<'));

function alertPanel(boards: readonly Board[], { alerts, catalogue }: Surroundings, alert: Alert): readonly string[] {
  const board = boards.find(({ uid }) => uid === alert.panel.board);
  const panel = board === undefined ? undefined : panelsOf(board).find(({ title }) => title === alert.panel.title);
  if (panel === undefined) return [`${alert.name} points to a panel that is not there: ${alert.panel.title}`];
  const drawn = new Set(panel.targets.flatMap(({ expr }) => selectorsIn(expr).map(({ metric }) => metric)));
  const watched = selectorsIn(alert.expr(REAL_CLOCK))
    .map(({ metric }) => metric)
    .filter((metric) => catalogue.recorded.has(metric));
  return [
    ...watched
      .filter((metric) => !drawn.has(metric))
      .map((metric) => `${alert.name} watches ${metric}, its panel does not draw it`),
    // Zero is the axis itself, and states are drawn in their colours. Of several windows one has its bound drawn.
    ...(!alert.bound?.value ||
    panel.states !== undefined ||
    alerts.some((other) => other.name === alert.name && sameNumber(other, panel))
      ? []
      : [`${alert.name} compares with ${alert.bound.value}, its panel draws ${panel.limit?.value ?? 'nothing'}`]),
  ];
}

/** L9: identities are unique, alerts and panels find each other, and every heading of the runbook is one. */
function references(boards: readonly Board[], surroundings: Surroundings): readonly Finding[] {
  const { alerts } = surroundings;
  const headings = new Set([...alerts.map(({ name }) => name), ...Object.keys(ERRORS)]);
  const finding = (board: string, panel: string, says: string): Finding => ({ board, panel, rule: 'L9', says });
  return [
    ...[...repeated(boards.map(({ uid }) => uid))].map((uid) => finding(uid, '', 'two boards have this uid')),
    ...[...repeated(boards.map(({ title }) => title))].map((title) =>
      finding('', '', `two boards are called ${title}`),
    ),
    ...boards.flatMap((board) =>
      panelsOf(board)
        .filter(({ runbook }) => alerts.length > 0 && !headings.has(runbook))
        .map(({ title, runbook }) => finding(board.uid, title, `no heading of the runbook is ${runbook}`)),
    ),
    ...alerts.flatMap((alert) =>
      alertPanel(boards, surroundings, alert).map((says) => finding(alert.panel.board, alert.panel.title, says)),
    ),
  ];
}

/** L4, of all boards and rules together: every declared metric is used or left out with a reason, and never both. */
function closure(boards: readonly Board[], { expressions, unused, catalogue }: Surroundings): readonly Finding[] {
  const used = usedMetrics(boards, expressions, catalogue);
  const finding = (says: string): Finding => ({ board: '', panel: '', rule: 'L4', says });
  const names = [...catalogue.declared.keys()];
  return [
    ...names
      .filter((name) => !used.has(name) && unused[name] === undefined)
      .map((name) => finding(`${name} is on no panel, in no rule, and left out without a reason`)),
    ...Object.keys(unused)
      .filter((name) => used.has(name) || !catalogue.declared.has(name))
      .map((name) => finding(`${name} is left out, and ${used.has(name) ? 'used' : 'declared nowhere'}`)),
    ...expressions.flatMap((expr) => queryProblems(catalogue, expr).map((says) => finding(`a rule: ${says}`))),
  ];
}

/** A panel excused for some services names services. */
const services = (subjects: readonly Subject[]): readonly Finding[] =>
  subjects.flatMap(({ board }) =>
    panelsOf(board)
      .filter(({ evidence }) => evidence.services?.length === 0 || evidence.services?.length === SERVICES.length)
      .map(({ title }) => ({
        board: board.uid,
        panel: title,
        rule: 'L9',
        says: 'is excused for no service, or for all',
      })),
  );

/** What is wrong between the boards, and between them and the rules. */
export function familyFindings(subjects: readonly Subject[], surroundings: Surroundings): readonly Finding[] {
  const boards = subjects.map(({ board }) => board);
  return [
    ...recording(boards, surroundings),
    ...references(boards, surroundings),
    ...closure(boards, surroundings),
    ...services(subjects),
  ];
}
