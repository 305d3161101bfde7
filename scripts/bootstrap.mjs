// What a fresh clone needs before a verb can run: dependencies and the build, each made once and again only when stale.
// Built-ins only, any Node from 20 on.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const MODULES = join(ROOT, 'node_modules');
const INSTALL_STAMP = join(MODULES, '.macronode-install');
const BUILD_STAMP = join(MODULES, '.macronode-build');
const LOCK = join(ROOT, '.run', 'bootstrap.lock');
/** npm writes its hidden lock file and package-lock.json in no fixed order; further apart than this, one is older. */
const NPM_WRITE_SKEW_MS = 5_000;
const LOCK_POLL_MS = 200;
/** A lock folder without a readable pid for this long was left by a process killed between the two writes. */
const LOCK_ANONYMOUS_MS = 5_000;
const HEARTBEAT_MS = 15_000;
/** Folders whose workspaces compile into dist. */
const BUILT_ROOTS = ['packages', 'apps'];

/** A failure with the next step in its message; printed without a stack. */
export class BootstrapError extends Error {
  /** @override */
  name = 'BootstrapError';
}

const colour = process.stderr.isTTY && process.env['NO_COLOR'] === undefined;

/** One progress line on standard error, so that a verb's own output stays clean. @param {string} line */
export function say(line) {
  process.stderr.write(colour ? `\u001b[2m› ${line}\u001b[0m\n` : `> ${line}\n`);
}

/** The Node every verb runs on: the pinned one, else the current one if it is as new. */
export function pinnedNode() {
  const pinned = join(MODULES, 'node', 'bin', 'node');
  if (existsSync(pinned)) return pinned;
  const wanted = readFileSync(join(ROOT, '.nvmrc'), 'utf8').trim();
  if (Number.parseInt(process.versions.node, 10) >= Number.parseInt(wanted, 10)) return process.execPath;
  throw new BootstrapError(
    `Node ${wanted} was not installed with the dependencies: its install script did not run.\n` +
      `Allow it once: npm rebuild node --ignore-scripts=false`,
  );
}

/**
 * How the heap of a service grows; infra/Dockerfile has the same. Bytes of bodies live outside the heap and count towards its
 * limit: with the small one V8 begins with, about a hundred bodies of 64 KiB make a full collection, a large part of what an upload costs a gateway.
 * The young generation is kept at half of what it would take, which gives the memory back.
 */
export const HEAP_FLAGS = Object.freeze(['--initial-old-space-size=192', '--max-semi-space-size=16']);

/** Those of the registry: it streams no bodies, and has to stay below 256 MiB at thousands of requests a second. */
export const REGISTRY_HEAP_FLAGS = Object.freeze(['--initial-old-space-size=96', '--max-semi-space-size=8']);

/** The command of an app. @param {string} app @returns {[string, ...string[]]} */
export const appCommand = (app) => [
  pinnedNode(),
  ...(app === 'registry' ? REGISTRY_HEAP_FLAGS : HEAP_FLAGS),
  join(ROOT, 'apps', app, 'dist', 'main.js'),
];

/** The environment of a verb: the pinned Node and the workspace's programs first on PATH, no telemetry. */
export function bootstrapEnvironment() {
  return {
    ...process.env,
    PATH: [join(MODULES, '.bin'), ...outsidePath()].join(delimiter),
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
  };
}

/** PATH without this repository's node_modules: npm must not run on a Node it is about to remove. */
function outsidePath() {
  return (process.env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.startsWith(MODULES));
}

/** @param {string} file */
function mtimeMs(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** @param {string} file */
function readOrEmpty(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function lockFingerprint() {
  const hash = createHash('sha256').update(readFileSync(join(ROOT, 'package-lock.json')));
  return hash.update(`${process.platform} ${process.arch}`).digest('hex');
}

function isInstalled() {
  const hidden = join(MODULES, '.package-lock.json');
  if (!existsSync(hidden) || !existsSync(join(MODULES, '.bin', 'turbo'))) return false;
  const fingerprint = lockFingerprint();
  if (readOrEmpty(INSTALL_STAMP) === fingerprint) return true;
  // Installed by hand: npm's own hidden lock file is then as new as the lock file.
  if (mtimeMs(hidden) + NPM_WRITE_SKEW_MS < mtimeMs(join(ROOT, 'package-lock.json'))) return false;
  writeFileSync(INSTALL_STAMP, fingerprint);
  return true;
}

/** Runs `npm ci` when node_modules is missing or older than package-lock.json. */
export async function ensureInstalled() {
  if (isInstalled()) return;
  await withLock(async () => {
    if (isInstalled()) return;
    await run('installing dependencies (npm ci)', npmCommand(['ci', '--include=dev', '--no-audit', '--no-fund']), {
      ...process.env,
      PATH: outsidePath().join(delimiter),
    });
    writeFileSync(INSTALL_STAMP, lockFingerprint());
  });
}

/** @param {string[]} args @returns {[string, ...string[]]} */
function npmCommand(args) {
  const cli = process.env['npm_execpath'];
  const node = process.env['npm_node_execpath'];
  const usable = cli !== undefined && node !== undefined && basename(cli) === 'npm-cli.js' && !node.startsWith(MODULES);
  return usable && existsSync(node) ? [node, cli, ...args] : ['npm', ...args];
}

/** Builds every workspace with turbo when a source, a manifest or a compiler setting changed, or a dist is missing. @param {{ force?: boolean }} [options] */
export async function ensureBuilt({ force = false } = {}) {
  if (!force && isBuilt(buildFingerprint())) return;
  await withLock(async () => {
    // Taken before the build: what is edited meanwhile makes the next run build again.
    const fingerprint = buildFingerprint();
    if (!force && isBuilt(fingerprint)) return;
    rmSync(BUILD_STAMP, { force: true });
    const turbo = join(MODULES, '.bin', 'turbo');
    const flags = ['--output-logs=errors-only', '--log-order=grouped', '--ui=stream', '--no-color'];
    await run('building', [turbo, 'run', 'build', ...flags, ...(force ? ['--force'] : [])], bootstrapEnvironment());
    writeFileSync(BUILD_STAMP, fingerprint);
  });
}

/** @returns {string[]} folders of the workspaces that compile */
function builtWorkspaces() {
  return BUILT_ROOTS.flatMap((root) =>
    readdirSync(join(ROOT, root), { withFileTypes: true })
      .map((entry) => join(ROOT, root, entry.name))
      .filter((folder) => existsSync(join(folder, 'tsconfig.json')) && existsSync(join(folder, 'src'))),
  );
}

/** @param {string} fingerprint */
function isBuilt(fingerprint) {
  return (
    readOrEmpty(BUILD_STAMP) === fingerprint && builtWorkspaces().every((folder) => existsSync(join(folder, 'dist')))
  );
}

/** Names, sizes and times of everything the build reads: a few milliseconds, where turbo's content hashes take a second. */
function buildFingerprint() {
  const hash = createHash('sha256').update(lockFingerprint());
  /** @param {string} file */
  const add = (file) => {
    const stat = statSync(file, { throwIfNoEntry: false });
    hash.update(`${relative(ROOT, file)} ${stat?.size ?? -1} ${stat?.mtimeMs ?? 0}\n`);
  };
  for (const name of ['turbo.json', 'tsconfig.base.json', 'tsconfig.nest.json']) add(join(ROOT, name));
  for (const folder of builtWorkspaces()) {
    add(join(folder, 'package.json'));
    add(join(folder, 'tsconfig.json'));
    const names = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' });
    for (const name of names.sort()) add(join(folder, 'src', name));
  }
  return hash.digest('hex');
}

/** One process installs or builds at a time; the others wait, then find the work done. @param {() => Promise<void>} work */
async function withLock(work) {
  mkdirSync(dirname(LOCK), { recursive: true });
  let announced = false;
  for (;;) {
    try {
      mkdirSync(LOCK);
      break;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const holder = lockHolder();
    if (holder === 'dead') {
      rmSync(LOCK, { recursive: true, force: true });
      continue;
    }
    if (!announced) say(`waiting for another install or build${holder === undefined ? '' : ` (process ${holder})`}`);
    announced = true;
    await delay(LOCK_POLL_MS);
  }
  writeFileSync(join(LOCK, 'pid'), String(process.pid));
  try {
    await work();
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

/** @returns {number | 'dead' | undefined} the pid that holds the lock; undefined while it is being taken */
function lockHolder() {
  const pid = Number.parseInt(readOrEmpty(join(LOCK, 'pid')), 10);
  if (Number.isNaN(pid)) {
    const age = Date.now() - mtimeMs(LOCK);
    return existsSync(LOCK) && age > LOCK_ANONYMOUS_MS ? 'dead' : undefined;
  }
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM' ? pid : 'dead';
  }
}

/** Runs a program with progress lines; its own output is shown only if it fails. @param {string} title @param {[string, ...string[]]} command @param {NodeJS.ProcessEnv} env */
async function run(title, [program, ...args], env) {
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  say(`${title} …`);
  const heartbeat = setInterval(() => say(`${title}: ${seconds()} so far`), HEARTBEAT_MS);
  /** @type {string[]} */
  const output = [];
  try {
    await new Promise((resolve, reject) => {
      const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => output.push(text));
      }
      /** @param {NodeJS.Signals} signal */
      const stop = (signal) => child.kill(signal);
      process.once('SIGINT', stop).once('SIGTERM', stop);
      child.on('error', (error) => reject(new BootstrapError(missingProgram(program, error))));
      child.on('close', (code) => {
        process.off('SIGINT', stop).off('SIGTERM', stop);
        if (code === 0) resolve(undefined);
        else reject(new BootstrapError(`${withoutNoise(output.join(''))}\n${title} failed (exit code ${code}).`));
      });
    });
  } finally {
    clearInterval(heartbeat);
  }
  say(`${title}: done in ${seconds()}`);
}

/** @param {string} program @param {Error} error */
function missingProgram(program, error) {
  return program === 'npm'
    ? 'npm is not on PATH: it comes with Node (https://nodejs.org); install it, then run this again.'
    : `Cannot run ${program}: ${error.message}`;
}

/**
 * npm warns of engines whenever the Node that installs is not the pinned one, which is by design here, and ends a failed
 * script with its own frame; turbo opens with its scope. What is left is what the failing tool said.
 */
const NOISE = /EBADENGINE|Unknown (user|env) config|^\s+• |^@macronode\/[a-z0-9]+:build: (npm error|cache |> |$)/;

/** @param {string} output */
function withoutNoise(output) {
  const kept = output.split('\n').filter((line) => !NOISE.test(line));
  return kept.join('\n').trim();
}
