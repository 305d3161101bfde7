// The OpenTelemetry collector of infra/otel/collector-builder.yaml: built earlier, or built once with Go into .run/tools.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bootstrap.mjs';
import { programOnPath } from './programs.ts';
import { runProgram } from './stages.ts';

const MANIFEST = join(ROOT, 'infra', 'otel', 'collector-builder.yaml');
const BUILT = join(ROOT, '.run', 'tools');
const BUILDER = 'go.opentelemetry.io/collector/cmd/builder';

/** The collector's program. Throws with what to install where it cannot be built. */
export async function provideCollector(): Promise<string> {
  const version = /^ {2}version: ([0-9.]+)$/m.exec(readFileSync(MANIFEST, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${MANIFEST} names no version`);
  const built = join(BUILT, `otelcol-${version}`);
  if (existsSync(built)) return built;
  if (programOnPath('go') === undefined)
    throw new Error('The collector is missing: install Go to have it built from infra/otel/collector-builder.yaml.');
  process.stderr.write(`> building the collector ${version} with Go, once\n`);
  mkdirSync(BUILT, { recursive: true });
  const output = mkdtempSync(join(BUILT, 'otelcol-sources-'));
  try {
    const manifest = join(output, 'builder.yaml');
    writeFileSync(manifest, readFileSync(MANIFEST, 'utf8').replace(/^dist:$/m, `dist:\n  output_path: ${output}/build`));
    await runProgram(['go', 'run', `${BUILDER}@v${version}`, '--config', manifest]);
    renameSync(join(output, 'build', 'otelcol'), built);
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
  return built;
}
