import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';
import { afterAll, describe, expect, it } from 'vitest';
import rules from '../.dependency-cruiser.mjs';

const forbidden: readonly IForbiddenRuleType[] = rules.forbidden ?? [];

type Files = Readonly<Record<string, string>>;

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const manifest = (name: string, dependencies: Files, exports = './dist/index.js'): string =>
  JSON.stringify({ name, version: '1.0.0', type: 'module', exports, dependencies });

const WORKSPACES = {
  'packages/contracts': ['zod'],
  'packages/content': [],
  'packages/keys': [],
  'packages/metrics': [],
  'packages/bus': ['@macronode/metrics', '@nestjs/common'],
  'packages/store': ['@macronode/metrics'],
  'packages/console': ['@macronode/contracts', '@macronode/metrics'],
  'packages/log': ['@macronode/contracts', '@macronode/content', '@macronode/keys'],
  'packages/mesh': ['@macronode/contracts', '@macronode/keys', '@macronode/metrics'],
  'packages/service': ['@macronode/contracts', '@macronode/bus', '@macronode/console', '@nestjs/common'],
  'packages/log-http': ['@macronode/contracts', '@macronode/log', '@macronode/service'],
  'apps/gateway': ['@macronode/service', '@macronode/log-http', '@macronode/contracts'],
  'apps/storage': ['@macronode/service', '@macronode/store'],
  'apps/micronode': ['@macronode/gateway', '@macronode/storage'],
  'apps/ronctl': ['@macronode/contracts'],
} satisfies Record<string, readonly string[]>;

/** The house in miniature: every workspace built and linked by name, each importing exactly what it may. */
function legalTree(): Record<string, string> {
  const files: Record<string, string> = {
    'package.json': JSON.stringify({ name: 'house', version: '1.0.0', devDependencies: { typescript: '1.0.0' } }),
    'k6/smoke.ts': `import { ROUTES } from '../packages/contracts/src/routes.ts';\nexport const smoke = ROUTES;\n`,
    'packages/contracts/src/routes.ts': 'export const ROUTES = 1;\n',
    'packages/contracts/src/limits.ts': 'export const LIMITS = 1;\n',
  };
  for (const name of ['zod', '@nestjs/common', 'left-pad', 'libp2p', 'typescript']) {
    files[`node_modules/${name}/package.json`] = manifest(name, {}, './index.js');
    files[`node_modules/${name}/index.js`] = 'export const it = 1;\n';
  }
  for (const [folder, dependencies] of Object.entries(WORKSPACES)) {
    const name = `@macronode/${folder.split('/')[1] ?? ''}`;
    files[`${folder}/package.json`] = manifest(name, Object.fromEntries(dependencies.map((key) => [key, '1.0.0'])));
    files[`${folder}/dist/index.js`] = 'export const it = 1;\n';
    const imports = dependencies.filter((key) => key !== '@nestjs/common' || folder !== 'packages/bus');
    files[`${folder}/src/noun.ts`] = imports
      .map((key, at) => `import * as n${at} from '${key}';\nexport { n${at} };\n`)
      .join('');
    files[`${folder}/src/index.ts`] = `export * from './noun.ts';\n`;
    files[`${folder}/src/main.ts`] = `import './index.ts';\n`;
  }
  files['packages/contracts/src/index.ts'] =
    `export * from './noun.ts';\nexport * from './routes.ts';\nexport * from './limits.ts';\n`;
  files['packages/bus/src/nest/bus-server.ts'] = `import { it } from '@nestjs/common';\nexport const server = it;\n`;
  files['packages/bus/src/index.ts'] = `export * from './noun.ts';\nexport * from './nest/bus-server.ts';\n`;
  return files;
}

/** Writes the tree to a folder of its own, cruises it with the rules of this repository, and answers the broken ones. */
async function brokenRules(change: Files): Promise<readonly string[]> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'macronode-arrows-')));
  folders.push(root);
  for (const [name, content] of Object.entries({ ...legalTree(), ...change })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  mkdirSync(join(root, 'node_modules/@macronode'), { recursive: true });
  for (const folder of Object.keys(WORKSPACES)) {
    symlinkSync(join(root, folder), join(root, 'node_modules/@macronode', folder.split('/')[1] ?? ''));
  }
  const result = await cruise(
    ['packages', 'apps', 'k6'],
    { ...rules.options, baseDir: root, validate: true, ruleSet: { forbidden: [...forbidden] } },
    { ...rules.options?.enhancedResolveOptions },
  );
  const { summary } = result.output as ICruiseResult;
  expect(summary.totalCruised).toBeGreaterThan(Object.keys(WORKSPACES).length);
  return [...new Set(summary.violations.map(({ rule }) => rule.name))];
}

const importing = (what: string): string => `import * as n from '${what}';\nexport { n };\n`;

/** One violation per rule: the smallest change to the legal tree that breaks it, and nothing else. */
const SEEDED: Readonly<Record<string, Files>> = {
  'no-circles': {
    'packages/keys/src/noun.ts': importing('./verb.ts'),
    'packages/keys/src/verb.ts': importing('./noun.ts'),
  },
  'no-orphans': { 'packages/keys/src/forgotten.ts': 'export const forgotten = 1;\n' },
  'everything-resolves': { 'packages/keys/src/noun.ts': importing('./gone.ts') },
  'dependencies-are-declared': { 'packages/keys/src/noun.ts': importing('left-pad') },
  'source-imports-no-development-dependency': { 'packages/keys/src/noun.ts': importing('typescript') },
  'contracts-import-only-zod': { 'packages/contracts/src/noun.ts': importing('node:crypto') },
  'ground-floor-imports-none-of-ours': {
    'packages/content/package.json': manifest('@macronode/content', { '@macronode/metrics': '1.0.0' }),
    'packages/content/src/noun.ts': importing('@macronode/metrics'),
  },
  'bus-and-store-stand-on-the-ground-floor': {
    'packages/bus/package.json': manifest('@macronode/bus', {
      '@macronode/contracts': '1.0.0',
      '@nestjs/common': '1.0.0',
    }),
    'packages/bus/src/noun.ts': importing('@macronode/contracts'),
  },
  'console-stands-on-contracts-and-metrics': {
    'packages/console/package.json': manifest('@macronode/console', { '@macronode/bus': '1.0.0' }),
    'packages/console/src/noun.ts': importing('@macronode/bus'),
  },
  'log-stands-on-the-ground-floor': {
    'packages/log/package.json': manifest('@macronode/log', { '@macronode/metrics': '1.0.0' }),
    'packages/log/src/noun.ts': importing('@macronode/metrics'),
  },
  'mesh-stands-on-the-ground-floor': {
    'packages/mesh/package.json': manifest('@macronode/mesh', { '@macronode/bus': '1.0.0' }),
    'packages/mesh/src/noun.ts': importing('@macronode/bus'),
  },
  'only-the-mesh-thread-imports-the-network': {
    'packages/mesh/package.json': manifest('@macronode/mesh', { libp2p: '1.0.0' }),
    'packages/mesh/src/noun.ts': importing('libp2p'),
  },
  'the-mesh-thread-is-started-not-imported': {
    'packages/mesh/src/noun.ts': importing('./network/mesh-thread.ts'),
    'packages/mesh/src/network/mesh-thread.ts': 'export const thread = 1;\n',
  },
  'log-http-stands-on-service-and-log': {
    'packages/log-http/package.json': manifest('@macronode/log-http', { '@macronode/store': '1.0.0' }),
    'packages/log-http/src/noun.ts': importing('@macronode/store'),
  },
  'the-page-imports-only-its-own-files': { 'packages/console/src/page/main.ts': importing('@macronode/contracts') },
  'packages-import-no-app': {
    'packages/service/package.json': manifest('@macronode/service', { '@macronode/gateway': '1.0.0' }),
    'packages/service/src/noun.ts': importing('@macronode/gateway'),
  },
  'apps-import-no-app': {
    'apps/gateway/package.json': manifest('@macronode/gateway', { '@macronode/storage': '1.0.0' }),
    'apps/gateway/src/noun.ts': importing('@macronode/storage'),
  },
  'the-verifier-shares-nothing': { 'apps/ronctl/src/verifier/noun.ts': importing('@macronode/contracts') },
  'the-audit-verifier-shares-nothing': { 'apps/ronctl/src/audit/noun.ts': importing('@macronode/contracts') },
  'the-product-imports-no-workshop': {
    'scripts/ports.ts': 'export const port = 1;\n',
    'packages/keys/src/noun.ts': importing('../../../scripts/ports.ts'),
  },
  'workspaces-meet-by-name': { 'packages/service/src/noun.ts': importing('../../contracts/src/routes.ts') },
  'the-bus-core-knows-no-nest': { 'packages/bus/src/noun.ts': importing('@nestjs/common') },
  'load-scripts-read-plain-constants': { 'k6/smoke.ts': importing('../packages/contracts/src/index.ts') },
};

describe('the arrows of the house', () => {
  it('finds nothing in a tree that keeps to them', async () => {
    expect(await brokenRules({})).toEqual([]);
  });

  it('has a seeded violation for every rule', () => {
    expect(Object.keys(SEEDED).sort()).toEqual(forbidden.map((rule) => rule.name ?? '').sort());
  });

  it.each(Object.entries(SEEDED))('%s bites', async (name, change) => {
    expect(await brokenRules(change)).toEqual([name]);
  });
});
