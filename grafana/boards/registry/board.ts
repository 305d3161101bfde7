import type { Board } from '../../panel.ts';
import { buildRow } from '../build-row.ts';
import { processRow } from '../process-row.ts';
import { storeRow } from '../store-row.ts';
import { serviceVariables } from '../variables.ts';
import { commitPath, governance } from './commits.ts';
import { followers } from './followers.ts';
import { auditAndRetention } from './kept.ts';
import { overview, promises } from './overview.ts';

/** The log: how fast it is read, how it is written, and whether it can be believed. */
export const registryBoard: Board = {
  uid: 'macronode-registry',
  title: 'Macronode / Registry',
  description:
    'Reads and commits against their objectives, approvals, audit, checkpoints, streams, replicas, witnesses and the store beneath.',
  variables: serviceVariables('registry', 'gateway'),
  rows: [
    promises,
    overview,
    commitPath,
    followers,
    governance,
    auditAndRetention,
    storeRow('registry'),
    processRow('registry'),
    buildRow('registry'),
  ],
};
