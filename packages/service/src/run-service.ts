import { once } from 'node:events';
import { ConfigError } from './config.ts';
import type { AnyServiceDefinition, ServiceDefinition } from './definition.ts';
import { helpText, readCommandLine } from './help.ts';
import { type NodePlan, nodeDeclarations } from './node-config.ts';
import { type RunningNode, startNode } from './node.ts';
import { readBuildInfo } from './build-info.ts';

/** After the drain nothing should be left to wait for; what is, is not waited for longer than this. */
const EXIT_GRACE_MS = 500;

/**
 * A stand-in is started beside the process it will replace (`STAND_IN=1`, with a channel to its parent): everything is
 * loaded by now, which is most of a start, and it opens nothing before the parent says that the other one is gone.
 */
async function untilWanted(): Promise<void> {
  if (process.env['STAND_IN'] !== '1' || process.send === undefined) return;
  const wanted = once(process, 'message');
  process.send('loaded');
  await wanted;
  process.disconnect();
}

/** What to do about a failure that has a common cause. */
function nextStep(error: unknown): string {
  const { code, port, path } = (typeof error === 'object' ? error : undefined) as NodeJS.ErrnoException & {
    port?: number;
  };
  if (code === 'EADDRINUSE') return `Port ${port ?? ''} is taken: stop the other process, or set OPS_PORT or PORT.`;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return `No access to ${path ?? 'a file'}: check the owner of DATA_DIR, or set another.`;
  }
  if (code === 'ENOSPC') return 'The disk is full: make room, or set DATA_DIR to another disk.';
  if (error instanceof ConfigError) return 'Correct these and start again; --help lists every setting.';
  return 'LOG_LEVEL=debug shows what came before.';
}

/** What went wrong and what to do, for a person at a terminal. */
export function explainFailure(name: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `${name} did not start: ${message}\n${nextStep(error)}\n`;
}

function exitWith(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
}

/** The first signal drains, the second leaves at once. */
function drainOnSignal(node: Promise<RunningNode>): void {
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
    node
      .then((running) => running.close())
      .then(
        (failed) => exitWith(failed.length === 0 ? 0 : 1),
        () => exitWith(1),
      );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/**
 * Runs services as a process: flags and environment, start, drain on SIGTERM or SIGINT, exit code.
 * Answers the started node; undefined when there is none, because only help was asked for or the start failed.
 */
export async function runNode(plan: NodePlan): Promise<RunningNode | undefined> {
  try {
    const declarations = nodeDeclarations(plan);
    const all = [declarations.common, ...declarations.services];
    const { help, version, env } = readCommandLine(process.argv.slice(2), process.env, all);
    if (help || version) {
      const build = readBuildInfo(env['GIT_SHA'] ?? 'dev');
      const title = `${plan.name} ${build.version} (${build.gitSha})`;
      process.stdout.write(help ? helpText(title, all) : `${title}\n`);
      return undefined;
    }
    await untilWanted();
    const starting = startNode({
      ...plan,
      env,
      onFatal: (error) => {
        process.stderr.write(explainFailure(plan.name, error));
        process.exit(1);
      },
    });
    drainOnSignal(starting);
    return await starting;
  } catch (error) {
    process.stderr.write(explainFailure(plan.name, error));
    exitWith(1);
    return undefined;
  }
}

/** What the `main.ts` of one service calls. */
export async function runService<C extends object>(definition: ServiceDefinition<C>): Promise<void> {
  const services: readonly AnyServiceDefinition[] = [definition];
  await runNode({ name: definition.name, services, profile: 'macronode' });
}
