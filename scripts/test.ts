// npm test: everything the project can prove on one machine.
import { parseArgs } from 'node:util';
import { report, runStages, selectStages } from './stages.ts';
import { TEST_STAGES } from './test-stages.ts';
import { endWith } from './verb.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, 'keep-going': { type: 'boolean', default: false } },
});

await endWith(async () => {
  report(await runStages(selectStages(TEST_STAGES, values.only), { keepGoing: values['keep-going'] }));
});
