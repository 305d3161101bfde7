import { busPanel } from './bus.ts';
import { indexPanel } from './index-names.ts';
import { mailboxPanel } from './mailbox.ts';
import type { Panel } from './panel.ts';
import { processesPanel } from './processes.ts';
import { registryPanel } from './registry.ts';
import { storagePanel } from './storage.ts';
import { trafficPanel } from './traffic.ts';

/** The parts of the page, in the order of the questions an operator asks. */
export const PANELS: readonly Panel[] = [
  trafficPanel,
  busPanel,
  storagePanel,
  indexPanel,
  mailboxPanel,
  registryPanel,
  processesPanel,
];
