// The arrows of the house, one rule each:
//   {contracts, content, keys, metrics} <- {bus, store, console, log, mesh} <- service <- log-http <- apps <- micronode
// scripts/arrows.test.ts seeds one violation per rule, so a rule that stops biting fails the tests.
// dist is never followed but never excluded either: a package that imports an app by name resolves to that app's dist.

const OWN_SOURCE = '^(packages|apps)/[^/]+/src/';
const TEST = '(\\.test\\.ts$|conformance[^/]*\\.ts$|/official-vectors\\.ts$|fixture\\.ts$|/booted-[^/]+\\.ts$)';
/** Files another thread, process or tool loads by path, and composition roots: nothing imports them. */
const LOADED_BY_PATH = [
  '(^|/)main\\.ts$',
  '\\.config\\.(ts|js|mjs|cjs)$',
  '\\.d\\.ts$',
  TEST,
  '/src/crash-child\\.ts$',
  '^packages/store/src/writer\\.ts$',
  '^packages/mesh/src/network/mesh-thread\\.ts$',
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: OWN_SOURCE, pathNot: LOADED_BY_PATH },
      to: {},
    },
    { name: 'everything-resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'dependencies-are-declared',
      severity: 'error',
      from: { path: OWN_SOURCE, pathNot: TEST },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'source-imports-no-development-dependency',
      severity: 'error',
      from: { path: OWN_SOURCE, pathNot: TEST },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'type-only'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'contracts-import-only-zod',
      severity: 'error',
      from: { path: '^packages/contracts/src/', pathNot: TEST },
      to: { pathNot: ['^packages/contracts/src/', '(^|/)node_modules/zod/'] },
    },
    {
      name: 'ground-floor-imports-none-of-ours',
      severity: 'error',
      from: { path: '^packages/(contracts|content|keys|metrics)/src/' },
      to: { path: '^(packages|apps)/', pathNot: '^packages/$1/' },
    },
    {
      name: 'bus-and-store-stand-on-the-ground-floor',
      severity: 'error',
      from: { path: '^packages/(bus|store)/src/' },
      to: { path: '^packages/', pathNot: ['^packages/$1/', '^packages/(content|keys|metrics)/'] },
    },
    {
      name: 'console-stands-on-contracts-and-metrics',
      severity: 'error',
      from: { path: '^packages/console/src/' },
      to: { path: '^packages/', pathNot: ['^packages/console/', '^packages/(contracts|metrics)/'] },
    },
    {
      name: 'log-stands-on-the-ground-floor',
      severity: 'error',
      from: { path: '^packages/log/src/' },
      to: { path: '^packages/', pathNot: ['^packages/log/', '^packages/(contracts|content|keys)/'] },
    },
    {
      name: 'mesh-stands-on-the-ground-floor',
      severity: 'error',
      from: { path: '^packages/mesh/src/' },
      to: { path: '^packages/', pathNot: ['^packages/mesh/', '^packages/(contracts|keys|metrics)/'] },
    },
    {
      // The mesh is off by default, and off means that none of it is loaded: only its thread imports the network.
      name: 'only-the-mesh-thread-imports-the-network',
      severity: 'error',
      from: { path: '^(packages|apps)/', pathNot: ['^packages/mesh/src/network/', TEST] },
      to: { path: '(^|/)node_modules/(@libp2p|@multiformats|libp2p)/' },
    },
    {
      name: 'the-mesh-thread-is-started-not-imported',
      severity: 'error',
      from: { path: '^packages/mesh/src/', pathNot: ['^packages/mesh/src/network/', TEST] },
      to: { path: '^packages/mesh/src/network/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'log-http-stands-on-service-and-log',
      severity: 'error',
      from: { path: '^packages/log-http/src/', pathNot: TEST },
      to: {
        path: '^packages/',
        pathNot: ['^packages/log-http/', '^packages/(contracts|content|metrics|log|service)/'],
      },
    },
    {
      // A browser finds no package by name: what it loads imports files beside it, and types.
      name: 'the-page-imports-only-its-own-files',
      severity: 'error',
      from: { path: '^packages/console/src/(page|panels|history)/', pathNot: TEST },
      to: { pathNot: '^packages/console/src/(page|panels|history)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'packages-import-no-app',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^apps/' },
    },
    {
      name: 'apps-import-no-app',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/micronode/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      // What judges the log must not share a mistake with what writes it: only hashes and canonical JSON, by other hands.
      name: 'the-verifier-shares-nothing',
      severity: 'error',
      from: { path: '^apps/ronctl/src/verifier/', pathNot: TEST },
      to: {
        pathNot: ['^apps/ronctl/src/verifier/', '(^|/)node_modules/(canonicalize|@noble/hashes)/'],
        dependencyTypesNot: ['core'],
      },
    },
    {
      name: 'the-audit-verifier-shares-nothing',
      severity: 'error',
      from: { path: '^apps/ronctl/src/audit/', pathNot: [TEST, '/audit-commands\\.ts$'] },
      to: { pathNot: '^apps/ronctl/src/audit/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'the-product-imports-no-workshop',
      severity: 'error',
      from: { path: '^(packages|apps)/' },
      to: { path: '^(scripts|e2e|k6|grafana|infra)/' },
    },
    {
      name: 'workspaces-meet-by-name',
      severity: 'error',
      from: { path: '^(packages|apps)/([^/]+)/src/' },
      to: { path: '^(packages|apps)/[^/]+/src/', pathNot: '^$1/$2/src/' },
    },
    {
      name: 'the-bus-core-knows-no-nest',
      severity: 'error',
      from: {
        path: '^packages/bus/src/',
        pathNot: ['^packages/bus/src/nest/', TEST],
      },
      to: { path: '(^|/)node_modules/@nestjs/' },
    },
    {
      name: 'load-scripts-read-plain-constants',
      severity: 'error',
      from: { path: '^k6/', pathNot: TEST },
      to: { path: '^(packages|apps)/', pathNot: '^packages/contracts/src/(routes|limits|slo|errors)\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: ['(^|/)\\.run/', '(^|/)\\.turbo/'] },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
