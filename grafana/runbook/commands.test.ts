import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROUTES } from '@macronode/contracts';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { RUNBOOK } from './index.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const texts: readonly (readonly [heading: string, text: string])[] = [...RUNBOOK].flatMap(([heading, entry]) =>
  [entry.meaning, ...entry.mend, ...entry.steps.flatMap(({ say, expect: answer = '' }) => [say, answer])].map(
    (text) => [heading, text] as const,
  ),
);
const quoted = texts.flatMap(([heading, text]) =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => [heading, word] as const),
);

/** What is typed: commands of steps, and those of the prose that begin with a program. */
const PROGRAMS = /^(npx|npm|docker|curl|grep|ss|df) /;
const commands: readonly (readonly [heading: string, command: string])[] = [
  ...[...RUNBOOK].flatMap(([heading, { steps }]) =>
    steps.flatMap(({ command }) => (command === undefined ? [] : [[heading, command] as const])),
  ),
  ...quoted.filter(([, word]) => PROGRAMS.test(word)),
];
const of = (program: string): readonly (readonly [string, string])[] => [
  ...new Map(commands.filter(([, text]) => text.startsWith(`${program} `)).map((each) => [each[1], each])).values(),
];

/** Options before the first word that is none, and their values. */
const VALUED = /^--(ops|url|token|timeout)$/;

/** The words of a `ronctl` line that choose what is run, and all its options. */
function parts(line: string): { readonly verb: readonly string[]; readonly options: readonly string[] } {
  const words = line.split(' ').slice(2);
  const options = words.filter((word) => word.startsWith('--'));
  const verb = words.filter((word, i) => !word.startsWith('--') && !VALUED.test(words[i - 1] ?? ''));
  return { verb, options };
}

const ronctl = async (...words: readonly string[]): Promise<string> =>
  (await run(process.execPath, [join(ROOT, 'apps/ronctl/bin/ronctl.js'), ...words])).stdout;

/** `ronctl --help` and that of each verb the runbook types, by verb. */
const help = new Map<string, string>();

/** The longest leading words that are a verb: its usage begins with them. */
async function helpOf(words: readonly string[]): Promise<string | undefined> {
  for (let length = Math.min(words.length, 3); length > 0; length -= 1) {
    const verb = words.slice(0, length).join(' ');
    const text = help.get(verb) ?? (await ronctl(...words.slice(0, length), '--help'));
    if (!text.startsWith(`Usage: ronctl ${verb} `)) continue;
    help.set(verb, text);
    return text;
  }
  return undefined;
}

const { services } = parse(read('compose.yaml'), { merge: true }) as {
  services: Readonly<Record<string, { readonly environment?: Readonly<Record<string, string>> }>>;
};

describe('commands of the runbook', () => {
  let common: string;
  beforeAll(async () => {
    common = await ronctl('--help');
  });

  it('begin with a program of the node or of every machine', () => {
    for (const [heading, command] of commands) expect(command, heading).toMatch(PROGRAMS);
  });

  it.each(of('npx'))('%s: %s is a verb of ronctl, with its options', async (_heading, line) => {
    expect(line).toMatch(/^npx ronctl /);
    const { verb, options } = parts(line);
    const own = await helpOf(verb);
    expect(own, 'no such verb').toBeDefined();
    expect(own, 'a group of verbs is none').not.toMatch(/\[command\]/);
    for (const option of options) expect(`${common}${own ?? ''}`).toContain(option);
  });

  it('of npm are scripts of the repository, with their options', async () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const [heading, line] of of('npm')) {
      const [, , verb = '', ...rest] = line.split(' ');
      expect(scripts, heading).toHaveProperty(verb);
      const { stdout: usage } = await run(process.execPath, [join(ROOT, 'scripts/run.mjs'), verb, '--help']);
      for (const option of rest.filter((word) => /^--\w/.test(word))) expect(usage, heading).toContain(option);
    }
  });

  it('of Docker name services of compose.yaml', () => {
    for (const [heading, line] of of('docker')) {
      const [, group, verb = '', ...rest] = line.split(' ');
      if (group !== 'compose') continue;
      expect(['ps', 'logs', 'up', 'restart', 'exec'], heading).toContain(verb);
      const named = rest.filter((word, i) => /^[a-z]+$/.test(word) && !/^--(tail|since)$/.test(rest[i - 1] ?? ''));
      for (const service of verb === 'exec' ? named.slice(0, 1) : named) {
        expect(Object.keys(services), heading).toContain(service);
      }
    }
  });

  it('of curl ask ports and routes that are there', () => {
    const publicRoutes = ['/', ...Object.values(ROUTES).map(({ template }) => template.replace(/\{\w+\}/, 'readme'))];
    const { gateway } = services;
    const opsPorts = Object.values(services).flatMap(({ environment = {} }) => environment['OPS_PORT'] ?? []);
    for (const [heading, line] of of('curl')) {
      const [, port, route = ''] = /http:\/\/127\.0\.0\.1:(\d+)(\/\S*)/.exec(line) ?? [];
      if (port === gateway?.environment?.['PORT']) expect(publicRoutes, heading).toContain(route);
      else {
        expect(opsPorts, heading).toContain(port);
        expect(['/healthz', '/readyz', '/version', '/metrics'], heading).toContain(route);
      }
    }
  });
});

describe('settings the runbook names', () => {
  const settings = new Set([...read('docs/config.md').matchAll(/^\| `([A-Z0-9_]+)`/gm)].map(([, name = '']) => name));
  const named = quoted.filter(([, word]) => /^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/.test(word));

  it('are settings', () => {
    expect(named.length).toBeGreaterThan(0);
    for (const [heading, name] of named) expect([...settings], heading).toContain(name);
  });
});
