// npm run down: stops what npm run up started, by process id.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './bootstrap.mjs';
import { stopProcesses } from './processes.ts';
import { endWith } from './verb.ts';

const { values } = parseArgs({
  options: {
    'run-dir': { type: 'string', default: join(ROOT, '.run') },
    timeout: { type: 'string', default: '20' },
  },
});

await endWith(async () => {
  const stopped = await stopProcesses(resolve(values['run-dir']), Number(values.timeout) * 1000);
  process.stdout.write(stopped === 0 ? 'Nothing was running.\n' : `Stopped ${stopped} processes.\n`);
});
