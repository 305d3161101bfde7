// npm run generate: every derived file, from the constants it is derived from. --check writes nothing and fails on a difference.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { openApiDocument } from '@macronode/contracts';
import { grafanaFiles } from '../grafana/generate.ts';
import { ROOT } from './bootstrap.mjs';
import { chaosPage } from './chaos/page.ts';
import { configPage, errorsPage, limitsPage, metricsPage } from './derived-pages.ts';
import { endWith } from './verb.ts';

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

/** Content by path. Each entry is a pure function of the code, so that running it twice changes nothing. */
async function derivedFiles(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['packages/contracts/openapi.json', `${JSON.stringify(openApiDocument(), null, 2)}\n`],
    ['docs/limits.md', limitsPage()],
    ['docs/errors.md', errorsPage()],
    ['docs/config.md', configPage()],
    ['docs/chaos.md', chaosPage()],
    ['docs/metrics.md', await metricsPage()],
    ...grafanaFiles(),
  ]);
}

await endWith(async () => {
  const stale = [...(await derivedFiles())].filter(([path, content]) => current(path) !== content);
  for (const [path, content] of stale) {
    if (values.check) showDifference(path, content);
    else write(path, content);
  }
  if (stale.length === 0) process.stdout.write('every derived file is up to date\n');
  else if (values.check) throw new Error(`${stale.length} derived files differ: npm run generate writes them.`);
});

function current(path: string): string | undefined {
  const file = join(ROOT, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function write(path: string, content: string): void {
  const file = join(ROOT, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  process.stdout.write(`wrote ${path}\n`);
}

function showDifference(path: string, content: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'macronode-derived-'));
  const fresh = join(folder, 'derived');
  writeFileSync(fresh, content);
  const old = existsSync(join(ROOT, path)) ? join(ROOT, path) : '/dev/null';
  process.stdout.write(`${path} differs:\n`);
  spawnSync('git', ['--no-pager', 'diff', '--no-index', '--no-prefix', old, fresh], { stdio: 'inherit' });
  rmSync(folder, { recursive: true, force: true });
}
