import { readFileSync } from 'node:fs';
import type { BuildInfo } from '@macronode/metrics';

/** What runs: the version of the project, the commit it was built from, the runtime. */
export function readBuildInfo(gitSha: string): BuildInfo {
  const file = new URL('../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return Object.freeze({ version, gitSha, node: process.version });
}
