// A real k6 against the rig, writing what it sees into the same Prometheus: what fills the board of load tests.
import { join } from 'node:path';
import { ROOT } from '../bootstrap.mjs';
import { K6, provideGoTool, versionOf } from '../go-tools.ts';
import { bundleScenarios, remoteWrite } from '../load/k6-run.ts';
import { exitCodeOf } from '../stages.ts';
import type { Rig } from './rig.ts';

/** A rate is drawn from several scrapes' worth of turns: the smoke profile is over in one. */
const SECONDS = 20;
const RATE = 20;

/** Runs the load profile for a moment; answers what became of it. */
export async function loadBoard(rig: Rig): Promise<string> {
  const k6 = await provideGoTool(K6);
  await bundleScenarios();
  const { flags, env } = remoteWrite(rig.prometheus.url, 'verification');
  const settings = ['PROFILE=load', `DURATION=${SECONDS}s`, `RATE=${RATE}`, `BASE_URL=${rig.url}`].flatMap((one) => [
    '-e',
    one,
  ]);
  const code = await exitCodeOf([k6, 'run', '--quiet', ...flags, ...settings, join(ROOT, 'k6', 'dist', 'main.js')], {
    env,
  });
  return `k6 ${versionOf(K6)}, profile load, exit code ${code}`;
}
