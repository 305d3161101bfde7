// npm run load: a k6 profile, or bulk load, against a node.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PROFILES, profileOf } from '../k6/profiles/profiles.ts';
import { ROOT } from './bootstrap.mjs';
import { bulkLine, runBulk } from './load/bulk.ts';
import { bundleScenarios } from './load/k6-run.ts';
import { openTarget } from './load/loaded-node.ts';
import { type LoadOptions, readOptions } from './load/options.ts';
import { runProfile } from './load/profile-run.ts';
import { exitCodeOfRun, linesOf } from './load/verdict.ts';
import { deltaLines, deltasOf, mustBeOff, runRounds } from './load/without.ts';
import { RedisBehindProxy } from './rig/redis-behind-proxy.ts';
import { startTarget } from './targets.ts';
import { endWith } from './verb.ts';

/** Of a round that compares two nodes, where no duration is given. */
const ROUND_S = 20;

await endWith(async () => {
  const options = readOptions(process.argv.slice(2));
  const { what } = options;
  if (what === undefined) return list();
  if (what === 'bulk') return bulk(options);
  profileOf(what);
  await bundleScenarios();
  return options.without === undefined ? profile(options, what) : compare(options, what, options.without);
});

function list(): void {
  const lines = Object.entries(PROFILES).map(([name, { summary }]) => `${name.padEnd(10)}  ${summary}\n`);
  process.stdout.write(`${lines.join('')}bulk        wrk or h2load: one GET, as fast as one core can ask\n`);
}

function reportDir({ reportDir: named }: LoadOptions, name: string): string {
  const date = new Date().toISOString().replace(/[:.]/g, '-');
  const dir = resolve(named ?? join(ROOT, '.run', 'load', `${name}-${date}`));
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** The commit that is measured. */
function gitSha(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

function k6Options(options: LoadOptions, what: string) {
  const { wishes, token, prometheus, toxiproxy, k6Args } = options;
  if (what === 'chaos' && toxiproxy === undefined) {
    throw new Error(
      'The profile chaos needs --target processes, or --toxiproxy URL: the API of a toxiproxy between the services and Redis.',
    );
  }
  return {
    profile: what,
    wishes,
    token,
    prometheus,
    toxiproxy,
    k6Args,
    testId: `${gitSha()}-${what}`,
  };
}

function write(dir: string, result: object): void {
  writeFileSync(join(dir, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`\n  reports: ${dir}\n`);
}

/** A node of our own gets a toxiproxy of its own for the faults of the timetable. */
function placesProxy({ target, toxiproxy }: LoadOptions, what: string): boolean {
  return what === 'chaos' && target.kind === 'processes' && toxiproxy === undefined;
}

async function profile(options: LoadOptions, what: string): Promise<void> {
  await using faulty = placesProxy(options, what) ? await RedisBehindProxy.start() : undefined;
  const dir = reportDir(options, what);
  await using node = await openTarget(options.target, {
    signers: options.signers,
    ...(faulty !== undefined && { redis: { own: faulty.redis, url: faulty.network.url } }),
  });
  const order = k6Options({ ...options, toxiproxy: faulty?.network.api ?? options.toxiproxy }, what);
  const result = await runProfile({ ...order, dir, node: node.state, signers: node.signers });
  process.stdout.write(`${linesOf(result).join('\n')}\n`);
  process.exitCode = exitCodeOfRun(result);
  write(dir, { ...result, code: process.exitCode });
}

async function compare(options: LoadOptions, what: string, name: NonNullable<LoadOptions['without']>): Promise<void> {
  const { target, rounds } = options;
  if (target.kind === 'url' || target.kind === 'compose') {
    throw new Error('--without starts two nodes of its own: give --target micronode or processes');
  }
  const dir = reportDir(options, `${what}-without-${name.toLowerCase()}`);
  const { replicas } = target;
  await using on = await startTarget(target.kind, { replicas, onDisk: true, label: '-on' });
  const env = { [name]: 'false' };
  await using without = await startTarget(target.kind, { replicas, onDisk: true, label: '-without', env });
  await mustBeOff(without.state, name);
  const seconds = options.wishes.seconds ?? ROUND_S;
  const order = { ...k6Options(options, what), wishes: { ...options.wishes, seconds }, seconds, dir, rounds };
  const results = await runRounds(order, on, without);
  const deltas = deltasOf(results.on, results.without);
  process.stdout.write(`${deltaLines(name, deltas).join('\n')}\n`);
  write(dir, { profile: what, switch: name, rounds, seconds, deltas, ...results });
}

async function bulk(options: LoadOptions): Promise<void> {
  const dir = reportDir(options, 'bulk');
  await using node = await openTarget(options.target, { signers: options.signers });
  const { beside } = options.bulk;
  const order = { ...options.bulk, url: node.state.url, token: options.token };
  if (beside === undefined) {
    const result = await runBulk(order);
    process.stdout.write(`${bulkLine(result)}\n`);
    return write(dir, result);
  }
  await bundleScenarios();
  const wishes = { ...options.wishes, seconds: options.wishes.seconds ?? options.bulk.seconds };
  const k6 = runProfile({ ...k6Options(options, beside), wishes, dir, node: node.state, signers: node.signers });
  const [result, profiled] = await Promise.all([runBulk(order), k6]);
  process.stdout.write(`${[bulkLine(result), ...linesOf(profiled)].join('\n')}\n`);
  process.exitCode = exitCodeOfRun(profiled);
  write(dir, { bulk: result, profile: profiled });
}
