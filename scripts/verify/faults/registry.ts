import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import type { FaultName } from '../../../grafana/faults.ts';
import { injectedCalls, SYNCS } from '../../rig/injected-calls.ts';
import { type Mend, repeating } from '../../rig/mend.ts';
import { driverOf, proposeOnly, refusing, registryTraffic, writeLog } from '../registry-traffic.ts';
import type { Rig } from '../rig.ts';
import { type FaultDriver, OUTAGE } from './driver.ts';

/** Above the bound of the alert, below the bound of the log. */
const STORM_PROPOSALS = 56;

/** Ends the registry, changes its files, and starts it again. */
async function changed(rig: Rig, change: (db: DatabaseSync) => void): Promise<void> {
  const registry = rig.process('registry');
  await registry.end('SIGTERM');
  const db = new DatabaseSync(join(rig.dataDir, 'registry', 'registry.db'));
  change(db);
  db.close();
  await registry.start();
}

/** The payload of the first version, as somebody who can write to the disk would change it. */
async function tampered(rig: Rig): Promise<Mend> {
  const driver = driverOf(rig);
  await writeLog(driver);
  const first = `WHERE payload_b3 = (SELECT payload_b3 FROM entries WHERE version = 1)`;
  let honest = '';
  await changed(rig, (db) => {
    honest = String(db.prepare(`SELECT body FROM payloads ${first}`).get()?.['body']);
    db.prepare(`UPDATE payloads SET body = ? ${first}`).run(honest.replace('"kind":"node"', '"kind":"mode"'));
  });
  return async () => {
    await changed(rig, (db) => void db.prepare(`UPDATE payloads SET body = ? ${first}`).run(honest));
    driver[Symbol.dispose]();
  };
}

/** What happens to a log, and what those who govern it do. */
export const registryFaults = {
  registry_killed: {
    what: 'SIGKILL to the registry',
    holdSeconds: 60,
    make: async (rig) => {
      await rig.process('registry').end('SIGKILL');
      return () => rig.process('registry').start();
    },
    beside: OUTAGE,
  },
  registry_disk_slow: {
    what: 'every fsync of the registry takes 500 ms longer, while versions are committed',
    holdSeconds: 150,
    make: async (rig) => {
      const mend = await injectedCalls(rig.process('registry').pid, SYNCS, 'delay_exit=500000');
      const stop = registryTraffic(rig, 0);
      return async () => {
        await stop();
        await mend();
      };
    },
    beside: ['StoreCommitSlow', 'AdmissionBudgetBurn', 'AvailabilityBudgetBurn', 'RegistryEntryLatencyBudgetBurn'],
  },
  registry_frozen: {
    what: 'the log frozen, and writers that go on',
    holdSeconds: 230,
    make: async (rig) => {
      const driver = driverOf(rig);
      await driver.freeze('the verification');
      let by = 0;
      const stop = repeating(async () => {
        await refusing(() => proposeOnly(driver, (by += 1)));
        await delay(500);
      });
      return async () => {
        await stop();
        await driver.thaw('the verification is over');
        driver[Symbol.dispose]();
      };
    },
    beside: ['AvailabilityBudgetBurn', 'AdmissionBudgetBurn'],
  },
  registry_storm: {
    what: 'proposals that nobody approves, nearly as many as may be open',
    holdSeconds: 110,
    make: async (rig) => {
      const driver = driverOf(rig);
      for (let by = 0; by < STORM_PROPOSALS; by += 1) await proposeOnly(driver, by);
      return async () => {
        // The head moves on, and none of them continues it any more.
        await writeLog(driver);
        driver[Symbol.dispose]();
      };
    },
    beside: [],
  },
  registry_tampered: {
    what: 'one letter of a version changed on the disk of the registry, and the registry started again',
    holdSeconds: 60,
    make: tampered,
    beside: ['ServiceReadOnly', 'TargetDown', 'AvailabilityBudgetBurn', 'AdmissionBudgetBurn'],
  },
  registry_witness_gone: {
    what: 'the witness of the log answers nobody, while versions are committed',
    holdSeconds: 170,
    make: async (rig) => {
      rig.witness.stop();
      const stop = registryTraffic(rig);
      return async () => {
        await rig.witness.start();
        await delay(5_000);
        await stop();
      };
    },
    beside: [],
  },
} satisfies Partial<Record<FaultName, FaultDriver>>;
