import { SERVICES } from '@macronode/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../../scripts/poll.ts';
import { type OwnPrometheus, startPrometheus } from '../../scripts/prometheus.ts';
import { type RunningTarget, startTarget } from '../../scripts/targets.ts';
import { METRICS } from '../declared.ts';
import { selectorsIn } from '../lint/promql.ts';
import { DEMO_CLOCK } from '../rules/clock.ts';
import { ruleFiles } from '../rules/files.ts';
import { RECORDED } from '../rules/recorded.ts';
import { runbookSteps } from './index.ts';

const START_TIMEOUT_MS = 60_000;
/** A few scrapes and evaluations: rates and recorded series have a value then. */
const WARM_TIMEOUT_MS = 30_000;

let node: RunningTarget;
let prometheus: OwnPrometheus;

const sees = async (query: string): Promise<boolean> => (await prometheus.query(query)).series.length > 0;

beforeAll(async () => {
  node = await startTarget('micronode', { onDisk: true });
  const [ops = ''] = node.state.ops['gateway'] ?? [];
  prometheus = await startPrometheus({
    targets: [{ address: new URL(ops).host }],
    scrapeSeconds: DEMO_CLOCK.scrapeSeconds,
    ruleFiles: ruleFiles(DEMO_CLOCK),
  });
  const { name } = METRICS.golden.rejected;
  await poll(
    'scrapes and rules',
    WARM_TIMEOUT_MS,
    async () => (await sees(RECORDED.cpuCores)) && sees(`rate(${name}[1m])`),
  );
}, START_TIMEOUT_MS);

afterAll(async () => {
  await prometheus?.stop();
  await node?.[Symbol.asyncDispose]();
});

describe('every query of the runbook', () => {
  it.each(runbookSteps().map(({ heading, step, query }) => [`${heading} ${step}`, query] as const))(
    '%s is answered without a warning',
    async (_at, query) => {
      expect((await prometheus.query(query)).warnings).toEqual([]);
    },
  );
});

describe('reasons the runbook asks for', () => {
  const { name } = METRICS.golden.rejected;
  const reasons = runbookSteps()
    .flatMap(({ query }) => selectorsIn(query))
    .filter(({ metric }) => metric === name)
    .flatMap(({ matchers }) => matchers.filter(({ label }) => label === 'reason'))
    .flatMap(({ value }) => value.split('|'));

  it.each([...new Set(reasons)])('%s is one the services count', async (reason) => {
    expect(await sees(`${name}{reason=~"${reason}"}`)).toBe(true);
  });
});

describe('settings the runbook asks for', () => {
  const selectors = runbookSteps()
    .flatMap(({ query }) => selectorsIn(query))
    .filter(({ metric }) => metric === METRICS.state.config.name);

  it.each(
    selectors.map(({ metric, matchers }) => {
      const matching = matchers.map(({ label, operator, value }) => `${label}${operator}"${value}"`).join(',');
      return `${metric}{${matching}}`;
    }),
  )('%s is shown', async (selector) => {
    expect(await sees(selector)).toBe(true);
  });
});

it('knows each service by its label', async () => {
  const known = await prometheus.labelValues('service', METRICS.state.readyz.name);
  expect(known.toSorted()).toEqual([...SERVICES].toSorted());
});
