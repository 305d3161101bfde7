import { EVERY_FLOW_NAME, type AnyFlowName } from '../../../k6/flows/flows.ts';
import type { Flags } from '../../bench-harness.ts';

/** The flows `--flows` names; all of them without it. */
export function chosenFlows(flags: Flags): readonly AnyFlowName[] {
  const asked = typeof flags['flows'] === 'string' ? flags['flows'].split(',') : EVERY_FLOW_NAME;
  return asked.map((name) => {
    const known = EVERY_FLOW_NAME.find((one) => one === name);
    if (known === undefined) throw new Error(`There is no flow '${name}'; there are: ${EVERY_FLOW_NAME.join(', ')}.`);
    return known;
  });
}
