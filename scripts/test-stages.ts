// The stages of npm test, in one list: test.ts runs them, ci-full.ts runs them and more.
import { join } from 'node:path';
import { runE2e } from './e2e-run.ts';
import { provideGoTool, TOXIPROXY } from './go-tools.ts';
import { requireProgram } from './programs.ts';
import { provideRedis, redisProgram } from './redis.ts';
import { runProgram, type Stage, type TestCounts } from './stages.ts';
import { runUnitTests } from './unit-tests.ts';
import { vectorsDir } from './vectors.ts';
import { runVitest } from './vitest-run.ts';

async function check(): Promise<undefined> {
  await runProgram(['node', join('scripts', 'check.ts'), '--no-unit']);
}

/** Every suite that needs a Redis: the drivers' conformance, and the bus on it. */
const conformance = (): Promise<TestCounts> => runOnRedis('conformance', []);

/** Runs tests of the conformance project with a Redis, and with what they break it and its network with. */
export async function runOnRedis(
  name: string,
  vitestArgs: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<TestCounts> {
  const toxiproxy = await provideGoTool(TOXIPROXY);
  const { url, own } = await provideRedis();
  try {
    return await runVitest(name, ['--project', 'conformance', ...vitestArgs], {
      // Tests that stop and start a Redis run one of their own.
      env: {
        REDIS_URL: url,
        REDIS_SERVER: redisProgram(),
        TOXIPROXY_SERVER: toxiproxy,
        VECTORS_DIR: vectorsDir(),
        ...env,
      },
    });
  } finally {
    await own?.stop();
  }
}

/** What is asked of Prometheus and its tools: rules, their unit tests, and queries against a live one. */
function observability(): Promise<TestCounts> {
  requireProgram('promtool', 'prometheus');
  requireProgram('prometheus-alertmanager');
  return runVitest('observability', ['--project', 'prometheus']);
}

/** The console in a real browser, against a real micronode. */
async function browser(): Promise<TestCounts> {
  const chromium = process.env['CHROMIUM'] ?? requireProgram('chromium');
  return runVitest('browser', ['--project', 'browser'], { env: { CHROMIUM: chromium } });
}

const e2eOn = (kind: 'micronode' | 'processes'): Stage => ({
  name: `e2e-${kind}`,
  run: () => runE2e(kind),
});

export const TEST_STAGES: readonly Stage[] = [
  { name: 'check', run: check },
  { name: 'unit', run: runUnitTests },
  { name: 'conformance', run: conformance },
  { name: 'observability', run: observability },
  { name: 'browser', run: browser },
  e2eOn('micronode'),
  e2eOn('processes'),
];
