// A process per service on a Redis of ours, with tracing as told: what the trace stage and the tracing benchmark run.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '@macronode/contracts';
import { opsPortOffsets, planProcesses } from '../plan.ts';
import { freePort, freePortBase } from '../ports.ts';
import { runningState, startProcesses, stopProcesses } from '../processes.ts';
import { signal } from '../run-state.ts';

/** Where spans go, and which share of the requests is sampled (0 to 1). */
export interface TracingSetting {
  readonly endpoint: string;
  readonly ratio: number;
}

export interface TracedNode extends AsyncDisposable {
  /** Base URL of the gateway. */
  readonly url: string;
  readonly pids: ReadonlyMap<ServiceName, number>;
}

export interface TracedNodeOptions {
  /** State, logs and data; a node started there again finds its data. */
  readonly runDir: string;
  readonly redisUrl: string;
  /** Without it no span is made. */
  readonly tracing: TracingSetting | undefined;
  /** More settings of its processes. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts it and waits until every service is ready. Stopping it exports every span that waits. */
export async function startTracedNode({
  runDir,
  redisUrl,
  tracing,
  env: more = {},
}: TracedNodeOptions): Promise<TracedNode> {
  const dataDir = join(runDir, 'data');
  mkdirSync(dataDir, { recursive: true });
  const httpPort = await freePort();
  const url = `http://127.0.0.1:${httpPort}`;
  const env = {
    ...more,
    LOG_LEVEL: 'warn',
    OTEL_EXPORTER_OTLP_ENDPOINT: tracing?.endpoint ?? '',
    ...(tracing !== undefined && { OTEL_TRACES_SAMPLER_ARG: String(tracing.ratio) }),
  };
  const plan = planProcesses({
    replicas: {},
    opsPortBase: await freePortBase(opsPortOffsets({})),
    httpPort,
    redisUrl,
    dataDir,
    nodeId: 'traced',
  }).map((planned) => ({ ...planned, env: { ...planned.env, ...env } }));
  // However we end, and be it while it starts: it does not outlive us.
  const end = (): void => {
    const supervisor = runningState(runDir)?.supervisorPid;
    if (supervisor !== undefined) signal(supervisor, 'SIGTERM');
  };
  process.once('exit', end);
  const { processes } = await startProcesses({ runDir, url, plan, dataDir });
  return {
    url,
    pids: new Map(processes.map(({ service, pid }) => [service as ServiceName, pid ?? 0])),
    [Symbol.asyncDispose]: async () => {
      await stopProcesses(runDir);
      process.off('exit', end);
    },
  };
}
