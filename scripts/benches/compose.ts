import { join } from 'node:path';
import type { CaseResult, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { poll } from '../poll.ts';
import { runProgram } from '../stages.ts';
import { ComposeNode, type MemoryUse } from './compose/engine.ts';
import { panelQueries } from './compose/panel-queries.ts';

const BOARD = 'macronode-overview';
/** A person who opened the board has looked away by then. */
const FIRST_DATA_SECONDS_MAX = 20;
/** The core has to fit beside whatever else runs on a small machine. */
const CORE_LIMITS_MIB_MAX = 2_047;
const DATA_TIMEOUT_MS = 60_000;
const DATA_INTERVAL_MS = 250;

const secondsSince = (started: number): number => Number(((performance.now() - started) / 1_000).toFixed(1));

const single = (name: string, unit: string, value: number): CaseResult => ({
  ...{ case: name, unit, runs: 1 },
  ...{ median: value, min: value, max: value },
});

async function hasData(prometheus: string, query: string): Promise<boolean> {
  try {
    const response = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
    const { data } = (await response.json()) as { data?: { result: readonly unknown[] } };
    return (data?.result.length ?? 0) > 0;
  } catch {
    // Prometheus does not listen yet.
    return false;
  }
}

async function withData(prometheus: string, queries: readonly string[]): Promise<number> {
  const answers = await Promise.all(queries.map((query) => hasData(prometheus, query)));
  return answers.filter(Boolean).length;
}

/** The highest use of every container while the smoke load runs. */
async function memoryUnderLoad(node: ComposeNode): Promise<ReadonlyMap<string, MemoryUse>> {
  const highest = new Map<string, MemoryUse>();
  let over = false;
  const load = runProgram(['node', join('scripts', 'load.ts'), 'smoke', '--url', node.url('GATEWAY_PORT')]).finally(
    () => (over = true),
  );
  // Asking the engine takes a second or two: that is the pause between two looks.
  const watch = async (): Promise<void> => {
    while (!over) {
      for (const [service, use] of await node.memory()) {
        const { used, resident } = highest.get(service) ?? use;
        highest.set(service, {
          ...use,
          used: Math.max(used, use.used),
          resident: Math.max(resident, use.resident),
        });
      }
    }
  };
  await Promise.all([load, watch()]);
  return highest;
}

async function measure(): Promise<Outcome> {
  await using node = await ComposeNode.build();
  const prometheus = node.url('PROMETHEUS_PORT');
  const queries = panelQueries(BOARD);

  const started = performance.now();
  // Panels may have data before the last container is healthy.
  const [ready, firstData] = await Promise.all([
    node.up().then(() => secondsSince(started)),
    poll(
      `data of ${BOARD}`,
      DATA_TIMEOUT_MS,
      async () => (await withData(prometheus, queries)) > 0,
      DATA_INTERVAL_MS,
    ).then(() => secondsSince(started)),
  ]);
  const atStart = await node.memory();
  const loaded = await memoryUnderLoad(node);

  const limits = [...atStart.values()].reduce((sum, { limit }) => sum + limit, 0);
  const memory = [...atStart].flatMap(([service, start]) => {
    const load = loaded.get(service);
    return [
      single(`${service}: RSS, just healthy`, 'MiB', start.resident),
      single(`${service}: RSS, smoke load`, 'MiB', load?.resident ?? NaN),
      single(`${service}: of its ${start.limit} MiB, smoke load`, 'MiB', load?.used ?? NaN),
    ];
  });
  return {
    cases: [
      single('up to healthy, images there', 's', ready),
      single('up to the first panel with data', 's', firstData),
      ...memory,
    ],
    ratios: {},
    figures: { queries: queries.length, queries_with_data: await withData(prometheus, queries) },
    goals: [
      { name: 'first_panel_seconds', measured: firstData, is: 'at most', bound: FIRST_DATA_SECONDS_MAX },
      { name: 'core_limits_mib', measured: limits, is: 'at most', bound: CORE_LIMITS_MIB_MAX },
    ],
  };
}

/** The core in containers: how soon it is there, and what it takes. */
export const compose: SelfRunningBench = {
  summary: 'the node in containers: time to healthy, to the first panel, and memory (needs Docker)',
  run: measure,
};
