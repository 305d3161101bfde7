import type { Scenario } from '../../scenario.ts';
import { disk } from './disk.ts';
import { governance } from './governance.ts';
import { surroundings } from './surroundings.ts';

/** A log under the load of its readers and signers; after each, every acknowledged version is asked for. */
export const registryScenarios: readonly Scenario[] = [...governance, ...disk, ...surroundings];
