import type { Board } from '../panel.ts';
import type { DashboardJson, PanelJson } from '../panels/json.ts';
import type { Catalogue } from './catalogue.ts';

/** A board that breaks a rule. */
export interface Finding {
  readonly board: string;
  /** Title of the panel; empty for the board itself. */
  readonly panel: string;
  readonly rule: string;
  readonly says: string;
}

/** A board as it is declared, the file it became, and what its queries may name. */
export interface Subject {
  readonly board: Board;
  readonly json: DashboardJson;
  readonly catalogue: Catalogue;
}

/** What one rule found on a board. */
export interface Broken {
  readonly panel?: string;
  /** Which query of the panel, from 0. */
  readonly target?: number;
  readonly says: string;
}

export interface Rule {
  readonly name: string;
  readonly check: (subject: Subject) => readonly Broken[];
}

/** Panels of a file, those of collapsed rows among them; row headings left out. */
export const panelsOf = ({ panels }: DashboardJson): readonly PanelJson[] =>
  panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));

/** One broken sentence per panel for which `check` says something. */
export const eachPanel = (
  { json }: Subject,
  check: (panel: PanelJson) => string | readonly string[] | undefined,
): readonly Broken[] =>
  panelsOf(json).flatMap((panel) => {
    const says = check(panel) ?? [];
    return (typeof says === 'string' ? [says] : says).map((sentence) => ({ panel: panel.title, says: sentence }));
  });

/** One broken sentence per target for which `check` says something. */
export const eachQuery = (
  subject: Subject,
  check: (expr: string, panel: PanelJson) => string | readonly string[] | undefined,
): readonly Broken[] =>
  panelsOf(subject.json).flatMap((panel) =>
    (panel.targets ?? []).flatMap(({ expr, refId }, target) => {
      const says = check(expr, panel) ?? [];
      return (typeof says === 'string' ? [says] : says).map((sentence) => ({
        panel: panel.title,
        target,
        says: `${refId}: ${sentence}`,
      }));
    }),
  );

/** A rule about the board itself: nothing, or what is wrong with it. */
export const ofBoard = (name: string, check: (subject: Subject) => string | false): Rule => ({
  name,
  check: (subject) => {
    const says = check(subject);
    return says === false ? [] : [{ says }];
  },
});
