import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './bootstrap.mjs';
import { VERBS } from './verbs.mjs';

let clone: string;
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'macronode-clone-'));
  for (const name of ['run.mjs', 'bootstrap.mjs', 'verbs.mjs'])
    cpSync(join(ROOT, 'scripts', name), join(clone, 'scripts', name));
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

const run = (...args: readonly string[]) =>
  spawnSync(process.execPath, [join(clone, 'scripts', 'run.mjs'), ...args], { cwd: clone, encoding: 'utf8' });

describe('the entry of every verb', () => {
  it.each(Object.entries(VERBS))('%s explains itself with nothing installed', (verb, { summary, usage }) => {
    const { status, stdout, stderr } = run(verb, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(summary);
    expect(stdout).toContain(usage.split('\n')[0]);
    expect(readdirSync(clone)).toEqual(['scripts']);
  });

  it('leaves --help behind -- to the program the verb runs', () => {
    expect(run('e2e', '--', '--help').status).not.toBe(0);
  });

  it('lists the verbs when there is none of that name', () => {
    const { status, stderr } = run('launch');
    expect(status).toBe(1);
    for (const verb of Object.keys(VERBS)) expect(stderr).toContain(verb);
  });

  it('is what every npm script calls', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts).toEqual(
      Object.fromEntries(Object.keys(VERBS).map((verb) => [verb, `node scripts/run.mjs ${verb}`])),
    );
  });
});
