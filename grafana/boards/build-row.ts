import type { ServiceName } from '@macronode/contracts';
import { METRICS } from '../declared.ts';
import type { BoardRow } from '../panel.ts';
import { series } from '../series.ts';
import { table } from './sizes.ts';

const { build } = METRICS.state;

/** What runs: the last row of a board. */
export const buildRow = (service?: ServiceName, collapsed = true): BoardRow => ({
  title: 'Build',
  about: 'build',
  collapsed,
  panels: [
    table({
      title: 'Builds',
      what: 'Version, commit and Node.js of every process.',
      good: 'one version, but for the minutes of a rolling restart.',
      bad: 'two versions for long: the restart stopped half way.',
      runbook: 'ServiceAbsent',
      unit: 'none',
      targets: [
        {
          expr: series(service).max(build, 'service, instance, version, git_sha, node'),
          legend: '{{service}} {{version}} {{git_sha}} {{node}}',
        },
      ],
      evidence: { sane: [1, 1] },
    }),
  ],
});
