// The one entry of every verb. Built-ins only, so that it runs in a fresh clone on any Node from 20 on:
// it installs and builds what is missing or stale, then hands over to the verb on the pinned Node.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import {
  BootstrapError,
  HEAP_FLAGS,
  ROOT,
  bootstrapEnvironment,
  ensureBuilt,
  ensureInstalled,
  pinnedNode,
  say,
} from './bootstrap.mjs';
import { VERBS } from './verbs.mjs';

const NODE_MAJOR_MIN = 20;
const PARENT_WATCH_MS = 250;
const FORWARDED_SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** @param {string | undefined} name */
function overview(name) {
  const rows = Object.entries(VERBS).map(([verb, { summary }]) => `  ${verb.padEnd(10)} ${summary}`);
  const head =
    name === undefined ? 'Usage: node scripts/run.mjs VERB [ARGS]' : `There is no verb '${name}'. The verbs:`;
  return `${head}\n\n${rows.join('\n')}\n\nEach verb explains itself with --help.\n`;
}

/** The help flag counts only before `--`: what follows belongs to the program the verb runs. @param {readonly string[]} args */
function asksForHelp(args) {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

/**
 * Runs a script on the pinned Node and becomes it: same arguments, signals and exit code.
 * @param {string} script @param {readonly string[]} args @param {readonly string[]} flags
 */
function become(script, args, flags) {
  const child = spawn(pinnedNode(), [...flags, join(ROOT, 'scripts', script), ...args], {
    stdio: 'inherit',
    env: bootstrapEnvironment(),
  });
  for (const signal of FORWARDED_SIGNALS) {
    process.on(signal, () => {
      // A terminal already sends Ctrl-C to the whole group; a second one would read as "stop now".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  const parent = process.ppid;
  // npm and its shell end on a signal without passing it on; what they started must not outlive them.
  const orphaned = () => process.env['npm_lifecycle_event'] !== undefined && process.ppid !== parent;
  setInterval(() => orphaned() && child.kill('SIGTERM'), PARENT_WATCH_MS).unref();
  child.on('error', (error) => {
    process.stderr.write(`Cannot run scripts/${script}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? 1;
      return;
    }
    for (const forwarded of FORWARDED_SIGNALS) process.removeAllListeners(forwarded);
    process.kill(process.pid, signal);
  });
}

async function main() {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(overview(undefined));
    return;
  }
  const verb = VERBS[name];
  if (verb === undefined) throw new BootstrapError(overview(name));
  if (asksForHelp(args)) {
    process.stdout.write(`${verb.summary}\n\nUsage: ${verb.usage}\n`);
    return;
  }
  const major = Number.parseInt(process.versions.node, 10);
  if (major < NODE_MAJOR_MIN) {
    throw new BootstrapError(
      `Node ${process.versions.node} is too old to start from: install Node ${NODE_MAJOR_MIN} or newer (https://nodejs.org), then run this again.`,
    );
  }
  await ensureInstalled();
  if (verb.build) await ensureBuilt({ force: name === 'build' && args.includes('--force') });
  if (verb.script === undefined) {
    say('every workspace is built');
    return;
  }
  // The one verb that is a service itself.
  become(verb.script, args, name === 'start' ? HEAP_FLAGS : []);
}

main().catch((error) => {
  process.stderr.write(error instanceof BootstrapError ? `${error.message.trimEnd()}\n` : `${error.stack}\n`);
  process.exitCode = 1;
});
