// docs/verification.md: what a run saw, as it saw it.
import { cpus, totalmem } from 'node:os';
import { table } from '../../grafana/markdown.ts';
import type { Finding } from '../../grafana/lint/rule.ts';
import { ALERTS } from '../../grafana/rules/alerts.ts';
import { DECLARED } from '../../grafana/declared.ts';
import { UNUSED } from '../../grafana/unused.ts';
import { type FaultResult, isGreen } from './matrix.ts';
import type { Results } from './results.ts';

export interface Verification {
  readonly findings: readonly Finding[];
  readonly results: Results;
}

const number = (value: number): string => String(Number(value.toPrecision(6)));
const time = (seconds: number | undefined): string => (seconds === undefined ? '–' : `${seconds} s`);

const machine = (): string =>
  `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.version}`;

/** Nothing to mend. */
export const isSound = ({ findings, results: { settings, truths, faults, walks, panels } }: Verification): boolean =>
  findings.length === 0 &&
  settings.failed === 0 &&
  truths.every(({ holds }) => holds) &&
  faults.every(isGreen) &&
  walks.every(({ problem }) => problem === undefined) &&
  panels.every(({ problems }) => problems.length === 0);

function matrixRow(result: FaultResult): readonly string[] {
  const { fault, what, expected, beside, wrong, failure } = result;
  return [
    `\`${fault}\`: ${what}`,
    expected.map(({ name, secondsToFire }) => `${name} ${time(secondsToFire)}`).join('<br>') || 'nothing',
    expected
      .map(({ name, secondsToResolve, keeps }) => `${name} ${keeps ? 'kept up' : time(secondsToResolve)}`)
      .join('<br>'),
    beside.join(', '),
    wrong.join(', ') || 'none',
    failure ?? (isGreen(result) ? 'ok' : 'red'),
  ];
}

/** The page. */
export function reportPage(verification: Verification): string {
  const { findings, results } = verification;
  const { settings, truths, faults, walks, panels, k6, span, commits } = results;
  const [first, last] = span.map((at) => at.slice(0, 16).replace('T', ' '));
  const filled = panels.filter(({ problems }) => problems.length === 0).length;
  const slowest = [...panels].sort((a, b) => b.slowestSeconds - a.slowestSeconds).slice(0, 5);
  const broken = panels.filter(({ problems }) => problems.length > 0);
  return (
    [
      '<!-- Written by `npm run verify:dashboards -- --write`. -->',
      '# Verification of dashboards and alerts',
      `Seen from ${first} to ${last} (UTC) of ${commits.join(', ')} on ${machine()}: six processes on a real Redis behind a real network proxy, scraped by a real Prometheus every second, rules compiled for a budget of twelve hours. ${isSound(verification) ? 'Nothing to mend.' : 'Not everything is as it must be: see below.'}`,
      '## In short',
      table(
        ['what', 'seen'],
        [
          ['panels with data, finite, sane, of few series', `${filled} of ${panels.length}`],
          ['truth checks that hold', `${truths.filter(({ holds }) => holds).length} of ${truths.length}`],
          ['faults whose alerts are as they must be', `${faults.filter(isGreen).length} of ${faults.length}`],
          [
            'runbook walks that reach their diagnosis',
            `${walks.filter(({ problem }) => problem === undefined).length} of ${walks.length}`,
          ],
          ['lint findings', findings.length],
          [
            'tests of boards, rules, runbook, compose, Alertmanager',
            `${settings.passed} passed, ${settings.failed} failed`,
          ],
          ['metrics declared, left out with a reason', `${DECLARED.size}, ${Object.keys(UNUSED).length}`],
          ['alerts', `${new Set(ALERTS.map(({ name }) => name)).size} names, ${ALERTS.length} rules`],
          ['slowest query', `${((slowest[0]?.slowestSeconds ?? 0) * 1_000).toFixed(0)} ms`],
          ['load test board', k6],
        ],
      ),
      '## Faults and the alerts that followed',
      'Seconds from the fault to the first firing, and from its end to the last. Beside are alerts of what depends on the broken thing. An alert that nothing of the fault explains is wrong.',
      table(['fault', 'fired after', 'over after', 'beside', 'wrong', 'verdict'], faults.map(matrixRow)),
      '## Panels against the ledger',
      'The query of the panel itself over the seconds of a known load, against what the clients counted. What a rate adds by reaching to the ends of its window is taken back, so every number has to be exact, but for what floating point leaves of bytes.',
      table(
        ['board / panel', 'series', 'ledger', 'panel', 'holds'],
        truths.map(({ board, panel, series, ledger, shown, holds }) => [
          `${board} / ${panel}`,
          series,
          number(ledger),
          number(shown),
          holds ? 'yes' : '**no**',
        ]),
      ),
      '## Runbook walks',
      table(
        ['fault', 'heading', 'step', 'answered', 'verdict'],
        walks.map(({ fault, heading, query, answer, problem }) => [
          `\`${fault}\``,
          heading,
          `\`${query}\``,
          answer,
          problem ?? 'ok',
        ]),
      ),
      '## Slowest panels',
      table(
        ['board / panel', 'slowest query'],
        slowest.map(({ board, panel, slowestSeconds }) => [
          `${board} / ${panel}`,
          `${(slowestSeconds * 1_000).toFixed(0)} ms`,
        ]),
      ),
      ...(broken.length === 0
        ? []
        : [
            '## Panels to mend',
            table(
              ['board / panel', 'problems'],
              broken.map(({ board, panel, problems }) => [`${board} / ${panel}`, problems.join('; ')]),
            ),
          ]),
      ...(findings.length === 0
        ? []
        : [
            '## Lint',
            table(
              ['board', 'panel', 'rule', 'says'],
              findings.map(({ board, panel, rule, says }) => [board, panel, rule, says]),
            ),
          ]),
    ].join('\n\n') + '\n'
  );
}
