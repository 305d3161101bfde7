// npm run profile: what a service spends its time on under load, as a flame graph and a report.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './bootstrap.mjs';
import { flamegraph } from './profile/flamegraph.ts';
import { parseFlows, type Profiling, profile, PROFILED } from './profile/profiling.ts';
import { lessonOf, reportJson, reportPage } from './profile/report.ts';
import { endWith } from './verb.ts';

const SECONDS = { min: 1, max: 600 };
const USERS = { min: 1, max: 256 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '30' },
    users: { type: 'string', default: '8' },
    flow: { type: 'string' },
    out: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

function whole(flag: string, text: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < min || number > max)
    throw new Error(`--${flag}: a whole number from ${min} to ${max}, not '${text}'`);
  return number;
}

const json = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** Everything there is, for looking at. */
function writeRun(dir: string, { findings, threads, heap }: Profiling): void {
  mkdirSync(dir, { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);
  write('flamegraph.svg', flamegraph(findings.tree, titleOf(findings)));
  for (const [at, { profile: recorded }] of threads.entries())
    write(at === 0 ? 'cpu.cpuprofile' : `cpu-worker-${at}.cpuprofile`, json(recorded));
  write('heap.heapprofile', json(heap));
  write('report.md', reportPage(findings, 'flamegraph.svg', undefined));
  write('report.json', `${JSON.stringify(reportJson(findings), null, 2)}\n`);
}

/** What is checked in: the picture and the page, with what somebody wrote into the last one. */
function writeDocs({ findings }: Profiling): readonly string[] {
  const dir = join(ROOT, 'docs', 'profiles');
  mkdirSync(dir, { recursive: true });
  const [picture, page] = [join(dir, `${findings.service}.svg`), join(dir, `${findings.service}.md`)];
  const lesson = existsSync(page) ? lessonOf(readFileSync(page, 'utf8')) : undefined;
  writeFileSync(picture, flamegraph(findings.tree, titleOf(findings)));
  writeFileSync(page, reportPage(findings, `${findings.service}.svg`, lesson));
  return [picture, page];
}

const titleOf = ({ service, date, revision, flows }: Profiling['findings']): string =>
  `${service}, ${flows.map(({ flow }) => flow).join(', ')}, ${date.slice(0, 10)}, ${revision}`;

function defaultDir(service: string): string {
  return join(ROOT, '.run', 'profile', `${service}-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-')}`);
}

/** However it ends, no process of it stays. */
function whenInterrupted(stack: AsyncDisposableStack): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    for (const failure of ['uncaughtException', 'unhandledRejection'] as const) process.on(failure, () => undefined);
    void stack.disposeAsync().finally(() => process.exit(1));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
}

await endWith(async () => {
  const [name] = positionals;
  const service = PROFILED.find((known) => known === name);
  if (service === undefined)
    throw new Error(
      name === undefined
        ? `Name a service: ${PROFILED.join(', ')}.`
        : `There is no service '${name}'; there are: ${PROFILED.join(', ')}.`,
    );
  const [seconds, users] = [whole('seconds', values.seconds, SECONDS), whole('users', values.users, USERS)];
  const flows = values.flow === undefined ? undefined : parseFlows(values.flow);
  const flags = [`--seconds ${seconds}`, ...(values.flow === undefined ? [] : [`--flow ${values.flow}`])];
  const command = ['npm run profile --', service, ...flags, ...(users === 8 ? [] : [`--users ${users}`])].join(' ');
  await using stack = new AsyncDisposableStack();
  whenInterrupted(stack);
  const onStep = (step: string): void => void process.stdout.write(`${service}: ${step}\n`);
  const result = await profile(stack, { service, seconds, users, flows, command, onStep });
  const dir = values.out ?? defaultDir(service);
  writeRun(dir, result);
  const written = [dir, ...(values.write ? writeDocs(result) : [])].map((path) => relative(process.cwd(), path) || '.');
  process.stdout.write(
    `\n${reportPage(result.findings, 'flamegraph.svg', undefined)}\nwritten: ${written.join(', ')}\n`,
  );
});
