import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BENCHES } from './benches/benches.ts';
import { ROOT } from './bootstrap.mjs';
import { VERBS } from './verbs.mjs';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
}

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: object;
  readonly jobs: Readonly<Record<string, { readonly 'timeout-minutes'?: number; readonly steps: readonly Step[] }>>;
}

const FOLDER = join(ROOT, '.github', 'workflows');
const workflows = readdirSync(FOLDER).map((file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  return { file, text, workflow: parse(text) as Workflow };
});

describe.each(workflows)('$file', ({ text, workflow }) => {
  const jobs = Object.values(workflow.jobs);
  const steps = jobs.flatMap((job) => job.steps);

  it('may read the repository and nothing more', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });

  it('ends, and does not run twice at once', () => {
    expect(workflow.concurrency).toBeDefined();
    for (const job of jobs) expect(job['timeout-minutes']).toBeGreaterThan(0);
  });

  it('uses actions of a version', () => {
    for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/^(\.\/|[\w-]+\/[\w-]+@v\d+$)/);
  });

  it('calls verbs and benchmarks that exist', () => {
    const called = [...text.matchAll(/npm (?:run )?([a-z:]+)\b/g)].map(([, verb = '']) => verb);
    expect(called.length).toBeGreaterThan(0);
    for (const verb of called) expect(Object.keys(VERBS)).toContain(verb);
    const listed = /for bench in ([^;]+);/.exec(text)?.[1]?.split(' ') ?? [];
    for (const bench of listed) expect(Object.keys(BENCHES)).toContain(bench);
  });

  it('keeps what was measured, also of a run that failed', () => {
    const uploads = steps.filter(({ uses }) => uses?.startsWith('actions/upload-artifact@'));
    expect(uploads.length).toBeGreaterThan(0);
    for (const upload of uploads) expect(upload.if).toMatch(/always\(\)|failure\(\)/);
  });
});

describe('what the documents ask of them', () => {
  const all = workflows.map(({ text }) => text).join('\n');

  it.each(['npm test', 'perf:gate', 'ci:full', 'chaos -- all', 'load -- soak', 'profile --'])('%s is run', (call) => {
    expect(all).toContain(call);
  });
});
