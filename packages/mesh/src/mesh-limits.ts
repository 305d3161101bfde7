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
  /** Networks of one process: a gateway has one, a test several. */
  readonly networks: number;
  /** Peers a node keeps connections with. */
  readonly peers: number;
  /** Ms within which a score halves: what a client did ten minutes ago weighs half. */
  readonly halfLifeMs: number;
  /** Records of the audit log that wait to be written. */
  readonly auditQueue: number;
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
  networks: 4,
  peers: 256,
  halfLifeMs: 600_000,
  auditQueue: 4_096,
});
