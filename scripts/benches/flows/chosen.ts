import { FLOW_NAMES, type FlowName } from '../../../k6/flows/flows.ts';
import type { Flags } from '../../bench-harness.ts';

/** The flows `--flows` names; all of them without it. */
export function chosenFlows(flags: Flags): readonly FlowName[] {
  const asked = typeof flags['flows'] === 'string' ? flags['flows'].split(',') : FLOW_NAMES;
  return asked.map((name) => {
    const known = FLOW_NAMES.find((one) => one === name);
    if (known === undefined) throw new Error(`There is no flow '${name}'; there are: ${FLOW_NAMES.join(', ')}.`);
    return known;
  });
}
