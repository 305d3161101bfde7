import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROUTES } from '@macronode/contracts';
import { expect, it, vi } from 'vitest';
import { ROOT } from '../bootstrap.mjs';
import { type OwnPrometheus, type QuerySeries, startPrometheus } from '../prometheus.ts';
import { descriptors, RegistryDriver, RegistryRefused } from '../rig/registry-driver.ts';
import { RiggedSigners } from '../rig/registry-signers.ts';
import { startTarget } from '../targets.ts';

const DEADLINE_MS = 30_000;
const HEADS = 200;
const COMMITS = 10;
const REFUSED = 20;

/** The five of the registry's document, as _Runbook: registry_ has them. */
function expressions(): readonly string[] {
  const page = readFileSync(join(ROOT, 'docs', 'performance.md'), 'utf8');
  const section = /## Runbook: registry\n([\s\S]*?)\n## /.exec(page)?.[1] ?? '';
  return [...section.matchAll(/```promql\n([\s\S]*?)```/g)].map(([, text = '']) => text.trim());
}

const numbers = (series: readonly QuerySeries[]): number[] => series.map(({ value }) => Number(value?.[1]));

/** Asks until the answer passes. */
const answer = (prometheus: OwnPrometheus, expression: string, judge: (series: readonly QuerySeries[]) => void) =>
  vi.waitFor(async () => judge((await prometheus.query(expression)).series), { timeout: DEADLINE_MS, interval: 300 });

it('give the right values of a registry that is read, written and refused', { timeout: 120_000 }, async () => {
  const [headP95, commitP95, errorRate, lag, staleness] = expressions();
  if (headP95 === undefined || commitP95 === undefined || errorRate === undefined) throw new Error('expressions');
  if (lag === undefined || staleness === undefined) throw new Error('expressions');
  using signers = RiggedSigners.make();
  await using node = await startTarget('micronode', { env: signers.env, label: '-expressions' });
  const address = new URL(node.state.ops['gateway']?.[0] ?? '').host;
  await using prometheus = await startPrometheus({ targets: [{ address }], scrapeSeconds: 1 });
  using driver = new RegistryDriver(node.state.url, signers.group);
  // Series begin with the first commit; what comes before a scrape has seen them no rate can show.
  await driver.commitNext(descriptors('first', 200));
  await fetch(`${node.state.url}${ROUTES.registryHead.template}`);
  await driver.freeze('before the first scrape');
  await expect(driver.commitNext(descriptors('frozen', 200))).rejects.toThrow(RegistryRefused);
  await driver.thaw('after it');
  await answer(prometheus, 'commit_latency_seconds_count', (series) => expect(numbers(series)).toEqual([1]));

  for (let at = 0; at < HEADS; at += 1) await fetch(`${node.state.url}${ROUTES.registryHead.template}`);
  for (let at = 0; at < COMMITS; at += 1) await driver.commitNext(descriptors(`node-${at}`, 200));
  await driver.freeze('to be refused');
  for (let at = 0; at < REFUSED; at += 1) {
    await expect(driver.commitNext(descriptors(`refused-${at}`, 200))).rejects.toThrow(RegistryRefused);
  }
  await answer(prometheus, 'commit_latency_seconds_count', (series) => expect(numbers(series)).toEqual([COMMITS + 1]));

  await answer(prometheus, headP95, (series) => {
    expect(series.map(({ metric }) => metric['route'])).toEqual(['/registry/head']);
    expect(numbers(series)[0]).toBeGreaterThan(0);
    expect(numbers(series)[0]).toBeLessThan(0.05);
  });
  await answer(prometheus, commitP95, (series) => {
    expect(numbers(series)).toHaveLength(1);
    expect(numbers(series)[0]).toBeGreaterThan(0);
    expect(numbers(series)[0]).toBeLessThan(0.75);
  });
  await answer(prometheus, errorRate, (series) => {
    expect(numbers(series)).toHaveLength(1);
    expect(numbers(series)[0]).toBeGreaterThan(0);
    expect(numbers(series)[0]).toBeLessThan(0.5);
  });
  await answer(prometheus, lag, (series) => {
    expect(series.length).toBeGreaterThan(0);
    expect(Math.max(...numbers(series))).toBe(0);
  });
  await answer(prometheus, staleness, (series) => {
    expect(numbers(series)).toHaveLength(1);
    expect(numbers(series)[0]).toBeGreaterThan(0);
    expect(numbers(series)[0]).toBeLessThan(60);
  });
});
