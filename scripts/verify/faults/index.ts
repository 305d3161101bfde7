import type { FaultName } from '../../../grafana/faults.ts';
import { ALERTS } from '../../../grafana/rules/alerts.ts';
import { busFaults } from './bus.ts';
import { diskFaults } from './disk.ts';
import type { FaultDriver } from './driver.ts';
import { meshFaults } from './mesh.ts';
import { processFaults } from './processes.ts';
import { redisFaults } from './redis.ts';
import { registryFaults } from './registry.ts';
import { userFaults } from './users.ts';

const DRIVERS: Readonly<Record<FaultName, FaultDriver>> = {
  ...processFaults,
  ...redisFaults,
  ...busFaults,
  ...diskFaults,
  ...registryFaults,
  ...meshFaults,
  ...userFaults,
};

export const driverOf = (fault: FaultName): FaultDriver => DRIVERS[fault];

/** Alerts that have to fire: those that name the fault. */
export const expectedOf = (fault: FaultName): readonly string[] => [
  ...new Set(ALERTS.filter(({ faults }) => faults.includes(fault)).map(({ name }) => name)),
];
