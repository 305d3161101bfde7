import { setTimeout as delay } from 'node:timers/promises';
import type { FaultName } from '../../../grafana/faults.ts';
import { HostilePeer } from '../../rig/hostile-peer.ts';
import { repeating } from '../../rig/mend.ts';
import { deskOf, flooding, forging } from '../mesh/mesh-traffic.ts';
import { freshClaim } from '../mesh/rig-mesh.ts';
import type { FaultDriver } from './driver.ts';

/** What happens to the peers of a gateway, and what they do to it. */
export const meshFaults = {
  mesh_peer_killed: {
    what: 'the only peer of the mesh stopped',
    holdSeconds: 60,
    make: async ({ mesh }) => {
      await mesh.stopPeer();
      return () => mesh.startPeer();
    },
    beside: [],
  },
  mesh_peer_mute: {
    what: 'the peer of the mesh replaced by one that gossips and answers no comparison of tables',
    holdSeconds: 110,
    make: async ({ mesh }) => {
      await mesh.stopPeer();
      const mute = await HostilePeer.join(mesh.key('mute'), [mesh.gatewayAddress], 'waf_reputation');
      return async () => {
        await mute[Symbol.asyncDispose]();
        await mesh.startPeer();
      };
    },
    beside: ['MeshWithoutPeers'],
  },
  mesh_forged: {
    what: 'claims of a key nobody trusts, and claims in the name of the peer with a false signature, two of each a second',
    holdSeconds: 60,
    make: forging,
    beside: ['MeshSyncFailing'],
  },
  mesh_flood: {
    what: 'a node of the trust list that sends good claims as fast as it can',
    holdSeconds: 60,
    make: flooding,
    beside: ['MeshSyncFailing'],
  },
  mesh_trust_damaged: {
    what: 'the trust list cut off in the middle of a line, and read again',
    holdSeconds: 30,
    make: async (rig) => {
      const { mesh } = rig;
      mesh.damageTrust();
      await deskOf(rig).reload();
      return async () => {
        mesh.writeTrust();
        await deskOf(rig).reload();
      };
    },
    beside: [],
  },
  audit_disk_full: {
    what: 'the disk of the audit log full, while claims come in',
    holdSeconds: 60,
    make: async ({ mesh }) => {
      const { auditDisk, peer } = mesh;
      if (!auditDisk) throw new Error('the audit log has no disk of its own here: it takes root to mount one');
      auditDisk.leave(0);
      const stop = repeating(async () => {
        peer.publish(freshClaim());
        await delay(100);
      });
      return async () => {
        await stop();
        auditDisk.restore();
      };
    },
    beside: [],
  },
} satisfies Partial<Record<FaultName, FaultDriver>>;
