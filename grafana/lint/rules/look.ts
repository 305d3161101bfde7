import { TRACED } from '../../declared.ts';
import type { Unit } from '../../bounds.ts';
import type { BoardRow, PanelSpec } from '../../panel.ts';
import type { PanelJson } from '../../panels/json.ts';
import { seriesOf } from '../catalogue.ts';
import { LIMIT_OF } from '../limits.ts';
import { selectorsIn } from '../promql.ts';
import { type Broken, eachPanel, type Rule, type Subject } from '../rule.ts';

const UNITS: ReadonlySet<string> = new Set<Unit>([
  's', 'bytes', 'Bps', 'reqps', 'ops', 'percentunit', 'short', 'none',
]); // prettier-ignore
/** Parts of a whole can be added up: shares and times cannot. */
const ADDITIVE: ReadonlySet<Unit> = new Set<Unit>(['bytes', 'Bps', 'reqps', 'ops', 'short']);
const BREACH_COLOUR = { saturation: 'orange', failure: 'red' } as const;

const specsOf = ({ board }: Subject): readonly PanelSpec[] => board.rows.flatMap(({ panels }) => panels);

const eachSpec = (subject: Subject, check: (spec: PanelSpec) => string | false | undefined): readonly Broken[] =>
  specsOf(subject).flatMap((spec) => {
    const says = check(spec);
    return typeof says === 'string' ? [{ panel: spec.title, says }] : [];
  });

/** D14: a unit Grafana scales, the same as that of the limit. */
const units = (subject: Subject): readonly Broken[] => [
  ...eachPanel(subject, ({ fieldConfig }) =>
    UNITS.has(fieldConfig?.defaults.unit ?? '') ? undefined : 'has no unit in use',
  ),
  ...eachSpec(
    subject,
    ({ unit, limit }) => limit !== undefined && limit.unit !== unit && `its limit is in ${limit.unit}, it in ${unit}`,
  ),
];

const stepsOf = ({ fieldConfig }: PanelJson) => fieldConfig?.defaults.thresholds.steps ?? [];

/** D15: red is failure, amber saturation, and nothing else is coloured. */
const colours = (subject: Subject): readonly Broken[] => [
  ...eachSpec(
    subject,
    ({ limit, breach }) =>
      (limit === undefined) !== (breach === undefined) && 'a limit and what breaking it means go together',
  ),
  ...eachPanel(subject, (panel) => {
    const spec = specsOf(subject).find(({ title }) => title === panel.title);
    const wanted = spec?.breach === undefined ? [] : [BREACH_COLOUR[spec.breach]];
    const shown = stepsOf(panel)
      .map(({ color }) => color)
      .filter((colour) => colour !== 'green');
    return shown.join() === wanted.join() ? undefined : `thresholds are ${shown.join()}, not ${wanted.join()}`;
  }),
];

/** D16: the line of the alert is drawn. */
const drawn = (subject: Subject): readonly Broken[] =>
  eachPanel(subject, (panel) => {
    const limit = specsOf(subject).find(({ title }) => title === panel.title)?.limit;
    if (limit === undefined) return undefined;
    const style = (panel.fieldConfig?.defaults.custom?.['thresholdsStyle'] as { mode?: string } | undefined)?.mode;
    if (!stepsOf(panel).some(({ value }) => value === limit.value)) return `does not draw ${limit.value}`;
    return panel.type === 'timeseries' && style !== 'line+area' ? 'does not draw its limit' : undefined;
  });

/** D17: lines that can be compared. */
const scales = (subject: Subject): readonly Broken[] => [
  ...(subject.json.graphTooltip === 1 ? [] : [{ says: 'the crosshair is not shared' }]),
  ...eachSpec(
    subject,
    ({ stacked, unit, targets }) =>
      stacked === true && (!ADDITIVE.has(unit) || targets.length > 1) && 'stacks what is not the parts of one whole',
  ),
  ...eachPanel(subject, ({ title, fieldConfig }) => {
    const below = (specsOf(subject).find((spec) => spec.title === title)?.evidence.sane[0] ?? 0) < 0;
    const fill = fieldConfig?.defaults.custom?.['fillOpacity'];
    if (!below && fieldConfig?.defaults.min !== 0) return 'does not begin at zero';
    return typeof fill === 'number' && fill > 10 && fill !== 70 ? `is filled to ${fill} %` : undefined;
  }),
];

/** D18: what has a limit is drawn with it. */
const limits = (subject: Subject): readonly Broken[] =>
  specsOf(subject)
    .filter(({ kind }) => kind === 'timeseries')
    .flatMap(({ title, targets }) => {
      const names = new Set(targets.flatMap(({ expr }) => selectorsIn(expr).map(({ metric }) => metric)));
      const dashed = new Set(
        targets
          .filter((target) => target.dashed !== undefined)
          .flatMap(({ expr }) => selectorsIn(expr).map(({ metric }) => metric)),
      );
      return Object.entries(LIMIT_OF)
        .filter(([limited, limit]) => names.has(limited) && !dashed.has(limit))
        .map(([limited, limit]) => ({ panel: title, says: `draws ${limited} without ${limit}` }));
    });

const histogramsOf = ({ catalogue }: Subject, targets: PanelSpec['targets']): ReadonlySet<string> =>
  new Set(
    targets
      .flatMap(({ expr }) => selectorsIn(expr))
      .flatMap(({ metric }) => {
        const series = seriesOf(catalogue, metric);
        return series?.kind === 'bucket' && series.declaration?.unit === 'seconds' ? [series.declaration.name] : [];
      }),
  );

/** Whether a wait that was asked for, not a time that passed: it has no trace. */
const ASKED = 'bus_retry_after_seconds';

/** Asked for where a histogram shows them, and nowhere else: a promise of traces that never come. */
const exemplars = (subject: Subject, { targets }: PanelSpec): readonly string[] =>
  targets.flatMap((target) => {
    const traced = [...histogramsOf(subject, [target])].some((name) => TRACED.has(name));
    if (traced === (target.exemplar === true)) return [];
    return traced ? ['a latency without exemplars'] : ['asks for exemplars of what has none'];
  });

function rowLatency(subject: Subject, { panels }: BoardRow): readonly Broken[] {
  const mapped = new Set<string>();
  return panels.flatMap((spec) => {
    const histograms = [...histogramsOf(subject, spec.targets)].filter((name) => name !== ASKED);
    if (spec.kind === 'heatmap') histograms.forEach((name) => mapped.add(name));
    const late =
      spec.kind === 'timeseries'
        ? histograms.filter((name) => !mapped.has(name)).map((name) => `lines of ${name} before its heatmap`)
        : [];
    return [...late, ...exemplars(subject, spec)].map((says) => ({ panel: spec.title, says }));
  });
}

/** D19: a latency is a heatmap first, lines second, exemplars on both where it has any. */
const latency = (subject: Subject): readonly Broken[] => subject.board.rows.flatMap((row) => rowLatency(subject, row));

/** D20: what it is, what good looks like, what to do, and where that is written. */
const described = (subject: Subject): readonly Broken[] => [
  ...eachSpec(
    subject,
    ({ what, good, bad }) =>
      [what, good, bad].some((sentence) => !/^\S.*[.:]$/.test(sentence)) && 'what, good and bad are not sentences',
  ),
  ...eachPanel(subject, ({ description = '' }) =>
    /Good: .+ Bad: .+\[Runbook: [^\]]+\]\(https:[^)]+#[a-z0-9_-]+\)$/.test(description)
      ? undefined
      : 'its description does not say good, bad and the runbook',
  ),
];

/** D14 to D20. */
export const lookRules: readonly Rule[] = [
  { name: 'D14', check: units },
  { name: 'D15', check: colours },
  { name: 'D16', check: drawn },
  { name: 'D17', check: scales },
  { name: 'D18', check: limits },
  { name: 'D19', check: latency },
  { name: 'D20', check: described },
];
