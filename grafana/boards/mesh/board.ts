import type { Board } from '../../panel.ts';
import { buildRow } from '../build-row.ts';
import { processRow } from '../process-row.ts';
import { serviceVariables } from '../variables.ts';
import { ledger, standings } from './claims.ts';
import { scores, topics } from './gossip.ts';
import { calls, messages } from './gossip-traffic.ts';
import { promises } from './overview.ts';
import { peers, sync } from './peers.ts';
import { audit, nodes, thread } from './thread.ts';

/** The mesh of the gateways: what they tell one another of clients, and who they are. */
export const meshBoard: Board = {
  uid: 'macronode-mesh',
  title: 'Macronode / Mesh',
  description:
    'The ledger of signed claims, standings of clients, peers, comparison of tables, gossip, the thread beneath and its audit log.',
  variables: serviceVariables('gateway'),
  rows: [
    promises,
    ledger,
    standings,
    peers,
    sync,
    topics,
    messages,
    calls,
    scores,
    thread,
    audit,
    processRow('gateway'),
    nodes,
    buildRow('gateway'),
  ],
};
