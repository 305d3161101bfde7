// The OpenTelemetry collector of infra/otel: built once with Go into .run/tools, run on loopback with spans written to a file.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../bootstrap.mjs';
import { answersOk, poll } from '../poll.ts';
import { freePort } from '../ports.ts';
import { programOnPath } from '../programs.ts';
import { runProgram } from '../stages.ts';
import { type Span, spansOf } from './span.ts';

const OTEL = join(ROOT, 'infra', 'otel');
const MANIFEST = join(OTEL, 'collector-builder.yaml');
const BUILT = join(ROOT, '.run', 'tools');
const BUILDER = 'go.opentelemetry.io/collector/cmd/builder';
const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;

/** The collector's program. Throws with what to install where it cannot be built. */
async function provideCollector(): Promise<string> {
  const version = /^ {2}version: ([0-9.]+)$/m.exec(readFileSync(MANIFEST, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${MANIFEST} names no version`);
  const built = join(BUILT, `otelcol-${version}`);
  if (existsSync(built)) return built;
  if (programOnPath('go') === undefined)
    throw new Error('The collector is missing: install Go to have it built from infra/otel/collector-builder.yaml.');
  process.stderr.write(`> building the collector ${version} with Go, once\n`);
  mkdirSync(BUILT, { recursive: true });
  const sources = mkdtempSync(join(BUILT, 'otelcol-sources-'));
  try {
    const manifest = join(sources, 'builder.yaml');
    const output = `dist:\n  output_path: ${join(sources, 'build')}`;
    writeFileSync(manifest, readFileSync(MANIFEST, 'utf8').replace(/^dist:$/m, output));
    await runProgram(['go', 'run', `${BUILDER}@v${version}`, '--config', manifest]);
    renameSync(join(sources, 'build', 'otelcol'), built);
  } finally {
    rmSync(sources, { recursive: true, force: true });
  }
  return built;
}

/** A collector with the configuration of compose, except that it writes spans into a file. */
export class OwnCollector implements AsyncDisposable {
  /** Base URL of its OTLP/HTTP receiver. */
  readonly endpoint: string;
  readonly #child: ChildProcess;
  readonly #file: string;
  readonly #kill = (): void => void this.#child.kill('SIGKILL');

  constructor(endpoint: string, child: ChildProcess, file: string) {
    this.endpoint = endpoint;
    this.#child = child;
    this.#file = file;
    process.once('exit', this.#kill);
  }

  /** Ends it, so that nothing waits in it any more, and answers every span it got. */
  async end(): Promise<readonly Span[]> {
    await this[Symbol.asyncDispose]();
    return spansOf(readFileSync(this.#file, 'utf8'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#kill);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    const deadline = setTimeout(this.#kill, STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(deadline);
  }
}

/** Starts one that keeps its log and its spans in `dir`, and waits until it is healthy. */
export async function startCollector(dir: string): Promise<OwnCollector> {
  const program = await provideCollector();
  const [http, grpc, health] = [await freePort(), await freePort(), await freePort()];
  const [file, log, changes] = [join(dir, 'spans.jsonl'), join(dir, 'collector.log'), join(dir, 'collector.json')];
  const at = (port: number): { endpoint: string } => ({ endpoint: `127.0.0.1:${port}` });
  writeFileSync(file, '');
  writeFileSync(
    changes,
    JSON.stringify({
      extensions: { health_check: at(health) },
      receivers: { otlp: { protocols: { http: at(http), grpc: at(grpc) } } },
      exporters: { file: { path: file } },
      service: {
        telemetry: { metrics: { level: 'none' } },
        pipelines: { traces: { exporters: ['file'] } },
      },
    }),
  );
  const output = openSync(log, 'w');
  const child = spawn(program, [`--config=${join(OTEL, 'collector.yaml')}`, `--config=${changes}`], {
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const collector = new OwnCollector(`http://127.0.0.1:${http}`, child, file);
  try {
    await poll('the collector', READY_TIMEOUT_MS, () => {
      if (child.exitCode !== null) throw new Error(`The collector ended.\n${readFileSync(log, 'utf8').slice(-4_000)}`);
      return answersOk(`http://127.0.0.1:${health}/`);
    });
  } catch (error) {
    await collector[Symbol.asyncDispose]();
    throw error;
  }
  return collector;
}
