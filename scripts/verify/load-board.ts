// A real k6 against the rig, writing what it sees into the same Prometheus: what fills the board of load tests.
import { join } from 'node:path';
import { ROOT } from '../bootstrap.mjs';
import { K6, provideGoTool, versionOf } from '../go-tools.ts';
import { exitCodeOf, runProgram } from '../stages.ts';
import type { Rig } from './rig.ts';

/** Runs the smoke profile; answers what became of it. */
export async function loadBoard(rig: Rig): Promise<string> {
  const k6 = await provideGoTool(K6);
  await runProgram(['npm', 'run', 'bundle', '--silent', '--workspace', '@macronode/k6']);
  const code = await exitCodeOf(
    [
      k6,
      ...['run', '--quiet', '--out', 'experimental-prometheus-rw', '--tag', 'testid=verification'],
      ...['-e', 'PROFILE=smoke', '-e', `BASE_URL=${rig.url}`, join(ROOT, 'k6', 'dist', 'main.js')],
    ],
    {
      env: {
        K6_PROMETHEUS_RW_SERVER_URL: `${rig.prometheus.url}/api/v1/write`,
        K6_PROMETHEUS_RW_TREND_STATS: 'p(50),p(95),p(99)',
        K6_PROMETHEUS_RW_PUSH_INTERVAL: '1s',
      },
    },
  );
  return `k6 ${versionOf(K6)}, profile smoke, exit code ${code}`;
}
