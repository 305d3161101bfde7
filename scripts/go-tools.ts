// Programs pinned in infra/tools/go.mod: on PATH, built earlier, or built once with Go into .run/tools.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bootstrap.mjs';
import { programOnPath } from './programs.ts';
import { runProgram } from './stages.ts';

const TOOLS = join(ROOT, 'infra', 'tools');
const BUILT = join(ROOT, '.run', 'tools');

/** A Go program, its version pinned in infra/tools/go.mod. */
export interface GoTool {
  /** Name of the program on PATH. */
  readonly program: string;
  /** The module that infra/tools/go.mod pins. */
  readonly module: string;
  /** The package of its main function. */
  readonly main: string;
  /** Where people find out how to install it. */
  readonly site: string;
}

export const K6: GoTool = {
  program: 'k6',
  module: 'go.k6.io/k6/v2',
  main: 'go.k6.io/k6/v2',
  site: 'https://grafana.com/docs/k6',
};

export const TOXIPROXY: GoTool = {
  program: 'toxiproxy-server',
  module: 'github.com/Shopify/toxiproxy/v2',
  main: 'github.com/Shopify/toxiproxy/v2/cmd/server',
  site: 'https://github.com/Shopify/toxiproxy',
};

/** The pinned version, with its leading v. Throws when nothing is pinned. */
export function versionOf({ module }: GoTool): string {
  const version = new RegExp(`${module} (v[0-9.]+)`).exec(readFileSync(join(TOOLS, 'go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new Error(`infra/tools/go.mod does not pin ${module}`);
  return version;
}

/** The program where it is already: on PATH, or built earlier in this checkout. */
export function findGoTool(tool: GoTool): string | undefined {
  const built = builtFile(tool);
  return programOnPath(tool.program) ?? (existsSync(built) ? built : undefined);
}

/** The program, built with Go if it is nowhere yet. Throws with what to install where that cannot be done. */
export async function provideGoTool(tool: GoTool, otherwise = ''): Promise<string> {
  const found = findGoTool(tool);
  if (found !== undefined) return found;
  if (programOnPath('go') === undefined) {
    throw new Error(
      `${tool.program} is missing: install it (${tool.site})${otherwise}, or install Go to have it built.`,
    );
  }
  process.stderr.write(`> building ${tool.program} ${versionOf(tool)} with Go, once\n`);
  mkdirSync(BUILT, { recursive: true });
  const built = builtFile(tool);
  await runProgram(['go', 'build', '-o', built, tool.main], { cwd: TOOLS });
  return built;
}

const builtFile = (tool: GoTool): string => join(BUILT, `${tool.program}-${versionOf(tool)}`);
