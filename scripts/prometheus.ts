// A Prometheus of our own on a free port of this machine, for tests and verification: throwaway data, stopped with us.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answersOk, poll } from './poll.ts';
import { freePort } from './ports.ts';
import { requireProgram } from './programs.ts';

const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const QUERY_TIMEOUT_MS = 30_000;

/** What one scrape asks: labels beside `job` and `instance`, as service discovery adds them. */
export interface ScrapeTarget {
  /** `host:port`. */
  readonly address: string;
  readonly service?: string;
  /** Job of the target: `macronode` when left out. */
  readonly job?: string;
}

export interface PrometheusOptions {
  readonly targets: readonly ScrapeTarget[];
  /** Of scrapes and of rules without an interval of their own. */
  readonly scrapeSeconds: number;
  /** Rule files by name. */
  readonly ruleFiles?: ReadonlyMap<string, string>;
  /** `host:port` of an Alertmanager. */
  readonly alertmanager?: string;
}

/** A series of an answer; a value is `[Unix seconds, text]`. */
export interface QuerySeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

export interface QueryAnswer {
  readonly series: readonly QuerySeries[];
  readonly warnings: readonly string[];
  readonly seconds: number;
}

/** An alert as Prometheus holds it. */
export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

interface ApiAnswer {
  readonly status: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly data?: unknown;
}

/** A Prometheus refused a query. */
class QueryRefused extends Error {
  override readonly name = 'QueryRefused';
}

export class OwnPrometheus implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #dir: string;
  readonly #discard = (): void => {
    this.#child.kill('SIGKILL');
    rmSync(this.#dir, { recursive: true, force: true });
  };

  constructor(url: string, child: ChildProcess, dir: string) {
    this.url = url;
    this.#child = child;
    this.#dir = dir;
    process.once('exit', this.#discard);
  }

  /** An instant query, at Unix seconds or now. */
  query(query: string, at?: number): Promise<QueryAnswer> {
    return this.#ask('query', { query, ...(at !== undefined && { time: String(at) }) });
  }

  /** A query over a range of Unix seconds. */
  queryRange(query: string, range: { start: number; end: number; step: number }): Promise<QueryAnswer> {
    const { start, end, step } = range;
    return this.#ask('query_range', { query, start: String(start), end: String(end), step: String(step) });
  }

  async alerts(): Promise<readonly ActiveAlert[]> {
    const { alerts } = (await this.#call('alerts', {})).data as { alerts: readonly ActiveAlert[] };
    return alerts;
  }

  /** Values of a label among series of a selector. */
  async labelValues(label: string, selector: string): Promise<readonly string[]> {
    return (await this.#call(`label/${label}/values`, { 'match[]': selector })).data as readonly string[];
  }

  /** Exemplars of a query in a range of Unix seconds. */
  async exemplars(query: string, start: number, end: number): Promise<readonly unknown[]> {
    return (await this.#call('query_exemplars', { query, start: String(start), end: String(end) }))
      .data as readonly unknown[];
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGTERM');
      const deadline = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(deadline);
    }
    this.#discard();
    process.off('exit', this.#discard);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #ask(what: string, params: Readonly<Record<string, string>>): Promise<QueryAnswer> {
    const started = performance.now();
    const answer = await this.#call(what, params);
    const { result } = answer.data as { result: readonly QuerySeries[] };
    return { series: result, warnings: answer.warnings ?? [], seconds: (performance.now() - started) / 1_000 };
  }

  async #call(what: string, params: Readonly<Record<string, string>>): Promise<ApiAnswer> {
    const query = new URLSearchParams(params).toString();
    const response = await fetch(`${this.url}/api/v1/${what}?${query}`, {
      signal: AbortSignal.timeout(QUERY_TIMEOUT_MS),
    });
    const answer = (await response.json()) as ApiAnswer;
    if (answer.status !== 'success') throw new QueryRefused(answer.error ?? `status ${response.status}`);
    return answer;
  }
}

/** JSON is YAML: nothing of it needs to be read by people. */
function configuration({ targets, scrapeSeconds, alertmanager }: PrometheusOptions): string {
  return JSON.stringify({
    global: {
      scrape_interval: `${scrapeSeconds}s`,
      scrape_timeout: `${scrapeSeconds}s`,
      evaluation_interval: `${scrapeSeconds}s`,
    },
    rule_files: ['rules/*.yml'],
    scrape_configs: targets.map(({ address, service, job = 'macronode' }, index) => ({
      job_name: `target-${index}`,
      honor_labels: true,
      static_configs: [{ targets: [address], labels: { job, ...(service !== undefined && { service }) } }],
    })),
    ...(alertmanager !== undefined && {
      alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
    }),
  });
}

/** Starts one and waits until it answers. Its clock of rules is whatever the rule files were compiled for. */
export async function startPrometheus(options: PrometheusOptions): Promise<OwnPrometheus> {
  const program = requireProgram('prometheus');
  const dir = mkdtempSync(join(tmpdir(), 'macronode-prometheus-'));
  mkdirSync(join(dir, 'rules'));
  writeFileSync(join(dir, 'prometheus.yml'), configuration(options));
  for (const [name, content] of options.ruleFiles ?? []) writeFileSync(join(dir, 'rules', name), content);
  const port = await freePort();
  const log = join(dir, 'prometheus.log');
  const output = openSync(log, 'a');
  const child = spawn(
    program,
    [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      '--enable-feature=exemplar-storage',
      '--log.level=warn',
    ],
    { cwd: dir, stdio: ['ignore', output, output] },
  );
  closeSync(output);
  const own = new OwnPrometheus(`http://127.0.0.1:${port}`, child, dir);
  try {
    await poll('Prometheus', READY_TIMEOUT_MS, () => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended.\n${readFileSync(log, 'utf8').slice(-4_000)}`);
      return answersOk(`${own.url}/-/ready`);
    });
  } catch (error) {
    await own.stop();
    throw error;
  }
  return own;
}
