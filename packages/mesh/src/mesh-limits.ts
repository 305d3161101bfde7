/** Bounds of the mesh. Each has its unit in its name. */
export interface MeshLimits {
  /** Bytes of one envelope; those of every kind are below 256. */
  readonly envelopeBytes: number;
  /** Envelopes gossiped over one connection a second, before anything else is looked at: below what a thread that shares its core can verify, so that the gate bites before the thread is full. */
  readonly connectionEnvelopesPerSecond: number;
  /** How many of them may come at once: what a few sources may say in a burst. */
  readonly connectionBurst: number;
  /** The same of what a sync with a peer brings, which is asked for in pieces. */
  readonly syncEnvelopesPerSecond: number;
  /** How many of them may come at once: a table in pieces. */
  readonly syncBurst: number;
  /** Receive window of one stream, in bytes: what a peer may have sent that is not read yet. Others wait behind it. */
  readonly streamWindowBytes: number;
  /** Envelopes of one source a second, counted after its signature: a forged name drains nobody's share. */
  readonly sourceEnvelopesPerSecond: number;
  /** How many of them may come at once. */
  readonly sourceBurst: number;
  /** Ms a claim may be dated ahead of this clock: clocks differ. */
  readonly clockAheadMs: number;
  /** Ms after which a claim is too old to be taken, however long it says it holds. */
  readonly clockBehindMs: number;
  /** Seconds a claim may hold. */
  readonly ttlMaxSeconds: number;
  /** Claims in the table; over it the source with the most gives way, with the one nearest its end. */
  readonly tableClaims: number;
  /** Sources in the trust list. */
  readonly trustedNodes: number;
  /** Sources kept for one subject: the trust list bounds it, this bounds the work of one lookup. */
  readonly sourcesPerSubject: number;
  /** Bytes of a subject: an address takes 16, a service name up to 64. */
  readonly subjectBytes: number;
  /** Commands between the thread of requests and the mesh thread. */
  readonly commands: number;
  /** Ms the mesh thread gathers changes of scores before it tells the thread of requests. */
  readonly deltaMs: number;
  /** Changes of scores told at once. */
  readonly deltaEntries: number;
  /** Ms between two comparisons of the table with a peer. */
  readonly syncIntervalMs: number;
  /** Envelopes one answer of a comparison may hold. */
  readonly syncEnvelopes: number;
  /** Bytes one answer of a comparison may take. */
  readonly syncBytes: number;
  /** Ms one comparison may take, from opening its stream to its end: a peer that stalls holds nothing longer. */
  readonly syncDeadlineMs: number;
  /** Comparisons asked of this node that run at once: each holds a part of the table and what the peer sent. */
  readonly syncsAnswered: number;
  /** Comparisons a peer may ask for a second: one that fetches a whole table asks once. */
  readonly syncsAskedPerSecond: number;
  /** How many of them may come at once. */
  readonly syncsAskedBurst: number;
  /** Networks of one process: a gateway has one, a test several. */
  readonly networks: number;
  /** Peers a node keeps connections with. */
  readonly peers: number;
  /** Connections one host may open in a second: a cluster behind one address starts together. */
  readonly inboundPerSecond: number;
  /** Connections that have not shown who they are yet: each costs a handshake. */
  readonly inboundPending: number;
  /** Ms within which a connection has to show who it is. */
  readonly handshakeMs: number;
  /** Ms a dial may take, name resolution and handshake included. */
  readonly dialMs: number;
  /** Longest wait before a peer is dialled again, in ms: one that is back is found within it. */
  readonly redialMaxMs: number;
  /** Ms between two signs of life asked of a peer, and for one of them: a peer that is silent for so long is let go. */
  readonly pingMs: number;
  /** Seconds after which a connected peer to whom no gossip goes is let go: it takes less to open a stream. */
  readonly silentSeconds: number;
  /** Bytes that wait for a peer that reads slowly; over it the stream is reset, and the connection made anew. */
  readonly outboundBytes: number;
  /** Ms within which a score halves: what a client did ten minutes ago weighs half. */
  readonly halfLifeMs: number;
  /** Records of the audit log that wait to be written. */
  readonly auditQueue: number;
  /** Questions of operators that wait for the mesh thread. */
  readonly questions: number;
  /** Ms after which a question is given up. */
  readonly questionMs: number;
  /** Ms the mesh thread has to start: it loads the network and listens. */
  readonly threadStartMs: number;
  /** Ms the mesh thread has to end by itself, the audit log written. */
  readonly threadStopMs: number;
  /** Heap of the mesh thread, in MiB: a full table takes some 150, the network some 50. */
  readonly threadHeapMib: number;
}

export const MESH_LIMITS: MeshLimits = Object.freeze({
  envelopeBytes: 512,
  connectionEnvelopesPerSecond: 400,
  connectionBurst: 1_000,
  syncEnvelopesPerSecond: 1_000,
  syncBurst: 4_000,
  streamWindowBytes: 262_144,
  sourceEnvelopesPerSecond: 200,
  sourceBurst: 1_000,
  clockAheadMs: 60_000,
  clockBehindMs: 86_400_000,
  ttlMaxSeconds: 86_400,
  tableClaims: 100_000,
  trustedNodes: 256,
  sourcesPerSubject: 256,
  subjectBytes: 64,
  commands: 4_096,
  deltaMs: 50,
  deltaEntries: 256,
  syncIntervalMs: 5_000,
  syncEnvelopes: 512,
  syncBytes: 262_144,
  syncDeadlineMs: 10_000,
  syncsAnswered: 8,
  syncsAskedPerSecond: 4,
  syncsAskedBurst: 16,
  networks: 4,
  peers: 256,
  inboundPerSecond: 64,
  inboundPending: 64,
  handshakeMs: 5_000,
  dialMs: 5_000,
  redialMaxMs: 15_000,
  pingMs: 10_000,
  silentSeconds: 5,
  outboundBytes: 4_194_304,
  halfLifeMs: 600_000,
  auditQueue: 4_096,
  questions: 64,
  questionMs: 5_000,
  threadStartMs: 20_000,
  threadStopMs: 5_000,
  threadHeapMib: 512,
});
