// npm run e2e: the cross-service tests against one target.
import { parseArgs } from 'node:util';
import { runE2e, runE2eAgainst } from './e2e-run.ts';
import { report, runStages, StageFailed, type TestCounts } from './stages.ts';
import { TARGET_KINDS } from './targets.ts';
import { endWith } from './verb.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    target: { type: 'string', default: 'micronode' },
    ops: { type: 'string' },
    token: { type: 'string' },
    large: { type: 'boolean', default: false },
  },
});
const { target } = values;
const options = { token: values.token ?? process.env['E2E_TOKEN'], vitestArgs: positionals, large: values.large };

await endWith(async () => report(await runStages([{ name: `e2e-${target.includes('://') ? 'url' : target}`, run }])));

function run(): Promise<TestCounts> {
  const kind = TARGET_KINDS.find((known) => known === target);
  if (kind !== undefined) return runE2e(kind, options);
  if (!/^https?:\/\//.test(target)) {
    throw new StageFailed(
      `--target ${target}: it is ${TARGET_KINDS.join(', ')}, or a URL that starts with http:// or https://`,
    );
  }
  if (values.ops === undefined) {
    throw new StageFailed('--target URL needs --ops, the ops addresses: {"gateway":["http://127.0.0.1:9080"],…}');
  }
  const ops = JSON.parse(values.ops) as Record<string, string[]>;
  return runE2eAgainst({ target: 'url', url: target.replace(/\/+$/, ''), ops, processes: [] }, options);
}
