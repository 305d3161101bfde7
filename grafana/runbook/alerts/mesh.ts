import { FLOOD, FORGED, METRICS } from '../../declared.ts';
import { ask, highest, inTheLastHour, perSecond, recorded, type } from '../ask.ts';
import type { RunbookEntry } from '../entry.ts';

const { mesh } = METRICS;
const INSTANCE = 'service, instance';
const OF_GATEWAY = 'service="gateway"';

/** Peers and their tables. */
const peerEntries: Readonly<Record<string, RunbookEntry>> = {
  MeshWithoutPeers: {
    meaning:
      'The mesh of a gateway runs, and no peer is in it: it hears of no client the others have cut, and nobody hears of those it cuts.',
    steps: [
      ask('Which gateway.', `${recorded('meshPeers')} == 0`, 'One: it is cut off. All: they have never met.'),
      ask(
        'Whether it has connections at all.',
        `sum by (${INSTANCE}) (${mesh.connectedPeers.name})`,
        '0: the network, the addresses or the trust lists. Above: the peers speak no gossip, another version of it perhaps.',
      ),
      ask(
        'How its connections go.',
        perSecond(mesh.peerConnections, 'instance, direction, result'),
        '`timeout`: nobody is at the address, or a firewall is between. `error`: somebody is, and one of the two does not trust the other. None: it knows no address.',
      ),
      type('Which node it is, and where it listens.', 'npx ronctl mesh status', '`node_id`, `listen`.'),
      type(
        'What the peers say.',
        'docker compose logs --since 1h gateway',
        'A peer that is refused stands there with its node id.',
      ),
    ],
    mend: [
      'No address: set `MESH_PEERS` to the addresses of others; one that can be reached is enough to find the rest.',
      'Not trusted: put the `node_id` of each into the list of `MESH_TRUST` of the other, and `npx ronctl mesh reload` on both.',
      'The network: open `MESH_PORT` between the gateways. What was missed is fetched within seconds after they meet.',
    ],
  },
  MeshPeersStale: {
    meaning:
      'The peers of a gateway have not been counted for two seconds, though that happens every second: its mesh thread does not get to run.',
    steps: [
      ask(
        'Where, and how old.',
        highest(mesh.peersAge, INSTANCE),
        'Above 2, and rising by one a second: it stands still.',
      ),
      ask(
        'Whether the process has a core to itself.',
        recorded('cpuCores', OF_GATEWAY),
        'Above 1: the mesh thread works as well as that of requests; they share what the container may use.',
      ),
      ask(
        'Whether it drowns in envelopes.',
        `sum by (${INSTANCE}) (rate(${mesh.gossipBytesIn.name}[300s]))`,
        'Above 1e6: see `MeshClaimFlood`.',
      ),
      ask(
        'Whether counting itself fails.',
        perSecond(mesh.peerSampleFailures, 'instance'),
        'Above 0: the log says why; nothing is late.',
      ),
    ],
    mend: [
      'A flood: see `MeshClaimFlood`. Too few cores: two for a gateway with a mesh.',
      'Neither: keep a profile of it (`npm run profile`), then start the gateway again.',
    ],
  },
  MeshSyncFailing: {
    meaning:
      'More than half of the comparisons of the table with that of a peer fail. Gossip goes on; what it loses is not fetched.',
    steps: [
      ask('How they end.', perSecond(mesh.syncRounds, 'instance, result'), '`failed` above the others.'),
      ask(
        'Whether peers come and go meanwhile.',
        perSecond(mesh.peerDisconnections, 'instance, reason'),
        '`timeout` or `error` above 0: the network. None: a peer is there and does not answer.',
      ),
      ask(
        'Whether gossip is enough as it is.',
        `max by (instance) (${mesh.tableClaims.name})`,
        'Alike on all gateways: nothing is missing yet.',
      ),
      type(
        'Which peers there are.',
        'npx ronctl mesh peers',
        'The one whose version differs, or that is no gateway; ask the others too.',
      ),
    ],
    mend: [
      'One peer that does not answer: start it again, or take it off the list of `MESH_TRUST`.',
      'All fail: let them run one version; the comparison has its own number, and another one is not understood.',
    ],
  },
  MeshTrustListRefused: {
    meaning:
      'Somebody had the gateway read its trust list again, and the file could not be taken: the list before it goes on, with whoever stood in it.',
    steps: [
      ask(
        'Which gateway.',
        `sum by (instance) (increase(${mesh.trustReloads.name}{result="kept"}[3600s])) > 0`,
        'One: its file. All: the file they share.',
      ),
      type('What is wrong with it.', 'npx ronctl mesh reload', '`kept`, and `problem` with the place in the file.'),
      ask(
        'Whether a reload has succeeded since.',
        inTheLastHour(mesh.trustReloads, 'instance, result'),
        '`loaded` too: it is mended, if it was the later one.',
      ),
    ],
    mend: [
      'Write the file as a whole beside the old one and move it into its place: a list that is half written is refused.',
      'After that `npx ronctl mesh reload` answers `loaded`; it is the moment from which a node that was taken off is refused.',
    ],
  },
};

/** What comes in. */
const claimEntries: Readonly<Record<string, RunbookEntry>> = {
  MeshClaimsForged: {
    meaning:
      'Envelopes come in whose signature does not hold, or whose source is on no trust list. They change nothing and are passed on by nobody.',
    steps: [
      ask(
        'Which of the two.',
        perSecond(mesh.claimsDropped, 'instance, reason', FORGED),
        '`untrusted`: most often one gateway trusts a node that another does not. `signature`: somebody makes claims in the name of others.',
      ),
      ask(
        'Whether a peer is connected that has no name.',
        `sum by (instance) (${mesh.connectedPeers.name}{client="unknown"})`,
        '0: only nodes of the list connect, so it comes from one of them, or through it.',
      ),
      type(
        'Which peers there are, and how gossip rates them.',
        'npx ronctl mesh peers',
        'The one with a score below zero.',
      ),
      type(
        'When it began, and who joined then.',
        'docker compose logs --since 1h gateway',
        'The audit log (`MESH_AUDIT`) has `mesh_peer_joined` with the node id and the time.',
      ),
    ],
    mend: [
      '`untrusted`: give all gateways one trust list, and `npx ronctl mesh reload` on each.',
      '`signature`: take the peer off the list of `MESH_TRUST` and reload: it is cut at once. Its key is not safe any more; give the machine another one.',
    ],
  },
  MeshClaimFlood: {
    meaning:
      'Envelopes come faster than the share of their connection (1,000 a second) or of their source (200 a second). Those beyond it are dropped, and held against the peer that brings them: gossip reads nothing of it for some seconds.',
    steps: [
      ask(
        'At which gate.',
        perSecond(mesh.claimsDropped, 'instance, reason', FLOOD),
        '`connection_rate`: one peer, whatever it sends. `rate`: one source with a good signature.',
      ),
      ask(
        'Whether a gateway of ours makes them.',
        perSecond(mesh.claimsEmitted, 'instance'),
        'Hundreds on one of them: it cuts clients as fast as they come; see who attacks it.',
      ),
      ask(
        'Whether the others still come through.',
        perSecond(mesh.claimsReceived, 'instance'),
        'As ever: the shares do what they are for.',
      ),
      type('Who says so much.', 'npx ronctl mesh claims --limit 1000', 'The `client` that most of them have.'),
    ],
    mend: [
      'A gateway under attack: cut the attack in front of it; its claims end with it.',
      'A node that has no reason: take it off the list of `MESH_TRUST` and reload.',
    ],
  },
  MeshTableNearBound: {
    meaning:
      'A gateway keeps more than 80,000 claims, four fifths of what it may. Beyond it those nearest their end go first.',
    steps: [
      ask(
        'How many, and where.',
        highest(mesh.tableClaims, INSTANCE),
        'Alike on all: what there is. One alone: it is compared with nobody.',
      ),
      ask(
        'Of how many clients.',
        highest(mesh.tableSubjects, INSTANCE),
        'Near the claims: many clients. Far below: many sources of the same.',
      ),
      ask('How fast they come.', perSecond(mesh.claimsReceived, 'instance'), 'Tens a second for an hour fill it.'),
      type('What they are.', 'npx ronctl mesh claims --limit 1000', 'Their `reason`, and when they end.'),
    ],
    mend: [
      'An attack from very many addresses: cut it in front of the gateways; a standing for each is of no use.',
      'Claims that hold for a day: shorter ones say as much of a client that goes on.',
    ],
  },
};

/** The thread beneath, and what is written down. */
const threadEntries: Readonly<Record<string, RunbookEntry>> = {
  MeshCommandsDropped: {
    meaning:
      'The thread of requests has something to tell the mesh, and it is not taken. The client is cut here all the same.',
    steps: [
      ask(
        'Why.',
        perSecond(mesh.commandsDropped, 'instance, reason'),
        '`full`: it is behind. `closed`: its thread has ended. `uninitialized`: it has not begun.',
      ),
      ask('How many wait.', highest(mesh.queuedCommands, 'instance'), 'At 4,096: full.'),
      ask('Whether the thread gets to run.', highest(mesh.peersAge, 'instance'), 'Above 2: see `MeshPeersStale`.'),
      ask('Whether it runs at all.', `min by (instance) (${mesh.meshRunning.name})`, '0: see `MeshThreadRestarting`.'),
    ],
    mend: [
      '`full` and a busy thread: the gateway cuts more clients than it can tell of; stop the attack in front of it.',
      '`closed` for longer than a minute: start the gateway again; its log says why the thread ended.',
    ],
  },
  MeshThreadRestarting: {
    meaning: 'The mesh thread of a gateway ended by itself, and was started again with an empty table.',
    steps: [
      ask(
        'Which, and how often.',
        inTheLastHour(mesh.workerRestarts, 'instance'),
        'One: once. More: it ends again and again.',
      ),
      type('What it died of.', 'docker compose logs --since 1h gateway', 'An error of the mesh thread with its stack.'),
      ask(
        'Whether it has its table back.',
        `max by (instance) (${mesh.tableClaims.name})`,
        'As many as the others: it has compared with a peer.',
      ),
      ask('Whether memory ended it.', recorded('memoryShare', OF_GATEWAY), 'Near 1: see `MemoryNearLimit`.'),
    ],
    mend: [
      'Once: nothing, what it missed is fetched. Keep the log: it is a defect.',
      'Again and again: set `MESH` to false on this gateway and start it again; requests are served, cuts stay local.',
    ],
  },
  AuditEventsDropped: {
    meaning:
      'Records of the audit log were lost: its queue was full, or its file could not be written. The log says itself how many, in a record `dropped`, once it is written again.',
    steps: [
      ask(
        'Why, and how many.',
        inTheLastHour(mesh.auditEventsDropped, 'instance, reason'),
        '`write_failed`: the disk or its rights. `full`: more than the disk takes.',
      ),
      type('Whether the disk is full.', 'df -h', 'The one that `MESH_AUDIT` lies on, at 100 %.'),
      ask(
        'Whether records are written again.',
        perSecond(mesh.auditEvents, 'instance, kind'),
        'Above 0: it goes on. 0 while claims come: it does not.',
      ),
      type(
        'Whether what is written is whole.',
        'npx ronctl audit verify data/audit.log',
        'It names the first line that does not fit; exit code 0 when all do. The path is that of `MESH_AUDIT`.',
      ),
    ],
    mend: [
      'A full disk: move the rotated files away, oldest first; the newest one names the end of the one before it, so keep the order.',
      'Too many: an attack. Records are lost rather than requests; the counter says how many.',
      'What was lost is lost. The counters of this node still say how many claims there were, and its peers have them in their own logs.',
    ],
  },
};

/** The mesh of the gateways. */
export const meshEntries: Readonly<Record<string, RunbookEntry>> = {
  ...peerEntries,
  ...claimEntries,
  ...threadEntries,
};
