import type { NodeKind } from '../nodes.ts';
import type { Scenario } from '../scenario.ts';
import { busScenarios } from './bus.ts';
import { clockScenarios } from './clock.ts';
import { diskScenarios } from './disk.ts';
import { meshScenarios } from './mesh/index.ts';
import { networkScenarios } from './network.ts';
import { processScenarios } from './processes.ts';
import { redisScenarios } from './redis.ts';
import { registryScenarios } from './registry/index.ts';
import { resourceScenarios } from './resources.ts';
import { supervisedScenarios } from './supervised.ts';

const ORDER: readonly NodeKind[] = ['processes', 'clocked', 'sentinel', 'supervised', 'meshed'];

/** Every scenario, in the order of a whole run: those of one kind of node follow each other. */
export const SCENARIOS: readonly Scenario[] = Object.freeze(
  [
    ...networkScenarios,
    ...redisScenarios,
    ...busScenarios,
    ...processScenarios,
    ...diskScenarios,
    ...resourceScenarios,
    ...registryScenarios,
    ...clockScenarios,
    ...supervisedScenarios,
    ...meshScenarios,
  ].toSorted((a, b) => ORDER.indexOf(a.node) - ORDER.indexOf(b.node)),
);
