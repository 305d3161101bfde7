import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { hashBytes } from '@macronode/content';
import type { CaseResult, Flags, Outcome, SelfRunningBench } from '../bench-harness.ts';
import { ROOT } from '../bootstrap.mjs';
import { startRedis } from '../redis.ts';
import { startTracedNode, type TracedNode, type TracingSetting } from '../traces/node.ts';
import { OtlpSink } from '../traces/sink.ts';
import { watchCpu } from '../measure/cpu.ts';

/** Requests under way at a time: enough to keep all processes busy, too few to queue. */
const USERS = 8;
/** Requests of one window: a second or more, so that every window holds an export. */
const REQUESTS = 2_000;
/** Before the first window, per node: the code is compiled and the connections are open. */
const WARM_UP_REQUESTS = 6_000;
const OBJECT_BYTES = 4_096;
/** Above it, others used so much of the machine that a window is called noisy. */
const FOREIGN_SHARE_MAX = 0.1;

interface Contestant {
  readonly name: string;
  /** Share of the requests that is sampled; undefined: tracing is off. */
  readonly ratio: number | undefined;
}

/** Each has a node of its own. Two are alike: what differs between them is noise. */
const OFF: Contestant = { name: 'off', ratio: undefined };
const CONTESTANTS: readonly Contestant[] = [
  OFF,
  { name: 'ratio 0.1', ratio: 0.1 },
  { name: 'ratio 1', ratio: 1 },
  { name: 'off, another node', ratio: undefined },
];

/** Reads of one object, some at a time. Throws when one is not answered with it. */
async function load(url: string, id: string, requests: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: USERS });
  const read = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(`${url}/o/${id}`, { agent }, (response) => {
        response.resume();
        response.once('end', () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`a read answered ${response.statusCode ?? 0}`)),
        );
      });
      request.once('error', reject);
      request.end();
    });
  let left = requests;
  const user = async (): Promise<void> => {
    while (left-- > 0) await read();
  };
  try {
    await Promise.all(Array.from({ length: USERS }, user));
  } finally {
    agent.destroy();
  }
}

interface Window {
  /** CPU microseconds a request took of each service and of Redis. */
  readonly micros: Readonly<Record<string, number>>;
  readonly isNoisy: boolean;
}

interface Running {
  readonly node: TracedNode;
  readonly redisPid: number;
  readonly id: string;
}

async function windowOf({ node, redisPid, id }: Running): Promise<Window> {
  const services = [...node.pids.values()].map((pid) => ({ name: 'server', pid }));
  const end = watchCpu([...services, { name: 'redis', pid: redisPid }]);
  await load(node.url, id, REQUESTS);
  const { micros, foreignShare } = end();
  const perRequest = Object.entries(micros).map(([name, spent]) => [name, spent / REQUESTS] as const);
  return { micros: Object.fromEntries(perRequest), isNoisy: foreignShare > FOREIGN_SHARE_MAX };
}

async function start(stack: AsyncDisposableStack, name: string, tracing?: TracingSetting): Promise<Running> {
  const runDir = join(ROOT, '.run', 'bench-tracing', name.replace(/\W+/g, '-'));
  rmSync(runDir, { recursive: true, force: true });
  mkdirSync(runDir, { recursive: true });
  const redis = stack.use(await startRedis({ appendOnly: false }));
  const node = stack.use(await startTracedNode({ runDir, redisUrl: redis.url, tracing }));
  const bytes = randomBytes(OBJECT_BYTES);
  const id = hashBytes(bytes);
  const stored = await fetch(`${node.url}/o/${id}`, { method: 'PUT', body: bytes });
  if (stored.status !== 201) throw new Error(`storing the object answered ${stored.status}`);
  await load(node.url, id, WARM_UP_REQUESTS);
  return { node, redisPid: redis.process.pid, id };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

function resultOf(name: string, windows: readonly Window[]): CaseResult {
  const of = (part: string): number => median(windows.map(({ micros }) => micros[part] ?? 0));
  const servers = windows.map(({ micros }) => micros['server'] ?? 0);
  return {
    ...{ case: name, unit: 'µs CPU/request', runs: windows.length },
    ...{ median: median(servers), min: Math.min(...servers), max: Math.max(...servers) },
    cpu_us: { server: of('server'), redis: of('redis') },
    noisy_runs: windows.filter(({ isNoisy }) => isNoisy).length,
  };
}

/** The median of a case over that of tracing off in the same round, so that what slows a round down slows both. */
function ratioTo(off: readonly Window[], windows: readonly Window[]): number {
  const each = windows.map(({ micros }, round) => (micros['server'] ?? 0) / (off[round]?.micros['server'] ?? 0));
  return Number(median(each).toFixed(3));
}

async function measure(flags: Flags): Promise<Outcome> {
  const rounds = Number(flags['runs']);
  await using stack = new AsyncDisposableStack();
  const sink = stack.use(await OtlpSink.start({ keep: false }));
  const running = new Map<string, Running>();
  for (const { name, ratio } of CONTESTANTS) {
    const tracing = ratio === undefined ? undefined : { endpoint: sink.endpoint, ratio };
    running.set(name, await start(stack, name, tracing));
  }
  const windows = new Map<string, Window[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, node] of running) {
      const window = await windowOf(node);
      windows.set(name, [...(windows.get(name) ?? []), window]);
      process.stdout.write(`  ${name.padEnd(18)} ${(window.micros['server'] ?? 0).toFixed(0).padStart(6)} µs\n`);
    }
  }
  const off = windows.get(OFF.name) ?? [];
  const others = [...windows].filter(([name]) => name !== OFF.name);
  return {
    cases: [...windows].map(([name, measured]) => resultOf(name, measured)),
    ratios: Object.fromEntries(others.map(([name, measured]) => [`${name} / off`, ratioTo(off, measured)])),
  };
}

/** What spans cost: reads through the processes of a node, with tracing off, at the default ratio, and of every request. */
export const tracing: SelfRunningBench = {
  summary: 'CPU of a read through the processes of a node: tracing off, one in ten sampled, all sampled',
  run: measure,
};
