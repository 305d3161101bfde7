import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { ContentId } from './object.ts';
import { REGISTRY_ROUTES, type RegistryRouteName } from './routes.ts';

/** What an approval signs: this, the `b3:` hash of the canonical payload, and a newline. */
export const REGISTRY_APPROVAL_DOMAIN = 'ron:registry:approve:v1\n';
/** What whoever asks for a write signs: this, the `b3:` hash of the canonical {@link RegistryRequestClaim}, and a newline. */
export const REGISTRY_REQUEST_DOMAIN = 'ron:registry:request:v1\n';
/** What a key signs to enter a signer set: this, the `b3:` hash of the canonical {@link SignerClaim}, and a newline. */
export const REGISTRY_POSSESSION_DOMAIN = 'ron:registry:possession:v1\n';

export const REGISTRY_SCHEMA_VERSION = '1.0.0';

/** Name of a log, and the origin line of its checkpoints (C2SP tlog-checkpoint): a host, then a path. */
export const LogName = z
  .string()
  .max(LIMITS.registry_log_name_chars.value)
  .regex(/^[a-z0-9][a-z0-9.-]*(?:\/[a-z0-9._-]+)*$/, 'must be a host name with an optional path');
export type LogName = z.infer<typeof LogName>;

/** `org:example#key1`: who signs, and with which of their keys. Unique in a signer set. */
export const SignerId = z
  .string()
  .max(LIMITS.registry_signer_id_chars.value)
  .regex(/^[a-z0-9][a-z0-9._:-]*(?:#[a-z0-9._-]+)?$/, 'must be like org:example#key1');
export type SignerId = z.infer<typeof SignerId>;

/** Ed25519 (RFC 8032) or ML-DSA-44 (FIPS 204). */
export const SignatureAlgorithm = z.enum(['ed25519', 'ml-dsa-44']);
export type SignatureAlgorithm = z.infer<typeof SignatureAlgorithm>;

/** Base64 of a signature: 64 bytes of Ed25519 or 2,420 of ML-DSA-44. */
const Signature = z.base64().max(Math.ceil(2_420 / 3) * 4);

/** A raw public key in lower-case hex: 32 bytes of Ed25519 or 1,312 of ML-DSA-44. */
const PublicKey = z
  .string()
  .max(2_624)
  .regex(/^(?:[0-9a-f]{2})+$/, 'must be lower-case hex');

/** A decimal version: 1 is the first entry, 0 is the signer set the log began with. */
const Version = z.int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const Instant = z.iso.datetime();
const Text = z.string().max(LIMITS.registry_note_chars.value);

/** What a key signs to show that whoever names it holds it. */
export const SignerClaim = z.strictObject({
  log: LogName,
  signer_id: SignerId,
  algo: SignatureAlgorithm,
  public_key: PublicKey,
});
export type SignerClaim = z.infer<typeof SignerClaim>;

/** A member of a signer set. `possession` is its own signature over its {@link SignerClaim}. */
export const Signer = z.strictObject({
  signer_id: SignerId,
  algo: SignatureAlgorithm,
  public_key: PublicKey,
  possession: Signature,
});
export type Signer = z.infer<typeof Signer>;

/** Who may approve: `m` of the signers, at least `k_pq` of them with a post-quantum key. */
const quorumOf = {
  m: z.int().min(1).max(LIMITS.registry_signers.value),
  k_pq: z.int().min(0).max(LIMITS.registry_signers.value),
  signers: z.array(Signer).min(1).max(LIMITS.registry_signers.value),
};

/** The signer set a log begins with: the file `REGISTRY_GENESIS` names. It is version 0 and never changes. */
export const RegistryGenesis = z.strictObject({ log: LogName, ...quorumOf });
export type RegistryGenesis = z.infer<typeof RegistryGenesis>;

/** One thing the registry describes: a node, a service, a key, in attributes that are plain text. */
export const Descriptor = z.strictObject({
  id: z.string().min(1).max(LIMITS.registry_descriptor_id_chars.value),
  kind: z.string().min(1).max(LIMITS.registry_descriptor_id_chars.value),
  addr: z.string().max(LIMITS.registry_note_chars.value).optional(),
  attrs: z
    .record(z.string().max(LIMITS.registry_attr_name_chars.value), z.string().max(LIMITS.registry_payload_bytes.value))
    .optional(),
});
export type Descriptor = z.infer<typeof Descriptor>;

const Items = z.array(Descriptor).max(LIMITS.registry_items.value);

/** What every payload binds, so that an approval counts for one log, one place in it, and one signer set. */
const bound = {
  schema_version: z.literal(REGISTRY_SCHEMA_VERSION),
  log: LogName,
  /** The version it becomes: the head's, plus one. */
  version: Version.min(1),
  /** `entry_b3` of the head; null for the first entry. */
  prev_hash: ContentId.nullable(),
  /** Version of the entry that set the signers in force; 0 for those the log began with. */
  signer_set_version: Version,
  /** The proposal can be approved and committed until then. */
  expires_at: Instant,
};

export const RegistryPayload = z.discriminatedUnion('kind', [
  z.strictObject({ ...bound, kind: z.literal('set'), items: Items.min(1) }),
  z.strictObject({ ...bound, kind: z.literal('signers'), ...quorumOf }),
  z.strictObject({
    ...bound,
    kind: z.literal('supersede'),
    /** `entry_b3` of the entry it replaces: the head, and no other. */
    supersede_of: ContentId,
    reason: z.enum(['key_compromise', 'data_error', 'governance_action', 'other']),
    note: Text,
    items: Items,
  }),
  z.strictObject({
    ...bound,
    kind: z.literal('seal'),
    /** The log that goes on from here; this one takes no entry any more. */
    successor: z.strictObject({ log: LogName, vkey: Text }),
  }),
  z.strictObject({
    ...bound,
    kind: z.literal('policy'),
    /** The policy bundle in force from here on, by its digest. */
    policy: z.strictObject({ version: Version.min(1), bundle: ContentId }),
  }),
  z.strictObject({
    ...bound,
    kind: z.literal('root_keys'),
    /** The capability root keys in force from here on, each by the digest of its key. */
    root_keys: z
      .array(z.strictObject({ key_id: SignerId, digest: ContentId, not_after: Instant }))
      .max(LIMITS.registry_root_keys.value),
  }),
]);
export type RegistryPayload = z.infer<typeof RegistryPayload>;

/** One signature over a payload. `signed_at` is the signer's own word: nothing is decided by it. */
export const RegistryApproval = z.strictObject({
  signer_id: SignerId,
  algo: SignatureAlgorithm,
  sig: Signature,
  signed_at: Instant,
});
export type RegistryApproval = z.infer<typeof RegistryApproval>;

/** An entry without its payload: what is hashed into the chain (`entry_b3`) and into the Merkle tree. */
export const RegistryLeaf = z.strictObject({
  schema_version: z.literal(REGISTRY_SCHEMA_VERSION),
  version: Version.min(1),
  kind: z.string(),
  payload_b3: ContentId,
  /** Bytes of the canonical payload. */
  payload_size: z.int().positive(),
  prev_hash: ContentId.nullable(),
  signer_set_version: Version,
  /** Sorted by signer id. */
  approvals: z.array(RegistryApproval),
  /** Wall clock of the writer: information, the order is the version's. */
  committed_at: Instant,
});
export type RegistryLeaf = z.infer<typeof RegistryLeaf>;

/** The body of `GET /registry/{version}` and each line of `GET /registry/log`. */
export const RegistryEntry = z.object({
  entry_b3: ContentId,
  leaf: RegistryLeaf,
  payload: z.record(z.string(), z.unknown()),
});
export type RegistryEntry = z.infer<typeof RegistryEntry>;

/** The newest version; before the first entry version 0 with nulls. */
export const RegistryHead = z.object({
  version: Version,
  payload_b3: ContentId.nullable(),
  entry_b3: ContentId.nullable(),
  committed_at: Instant.nullable(),
  /** Entries the published checkpoint covers. */
  checkpoint_size: Version,
});
export type RegistryHead = z.infer<typeof RegistryHead>;

/** A version that was committed: the hint on the bus and the data of an event of `GET /registry/stream`. */
export const RegistryCommitted = z.object({
  version: Version.min(1),
  payload_b3: ContentId,
  entry_b3: ContentId,
  committed_at: Instant,
});
export type RegistryCommitted = z.infer<typeof RegistryCommitted>;

export const RegistryAction = z.enum(['propose', 'approve', 'commit', 'freeze', 'thaw']);
export type RegistryAction = z.infer<typeof RegistryAction>;

/** What an active signer signs to be let into the write plane. */
export const RegistryRequestClaim = z.strictObject({
  action: RegistryAction,
  log: LogName,
  /** propose: `payload_b3`; approve: hash of the canonical `{proposal_id, approval}`; commit: the proposal id; freeze and thaw: hash of the canonical `{reason}`. */
  subject: ContentId,
  signer_id: SignerId,
  /** 16 random bytes in hex, used once. */
  nonce: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hex digits'),
  /** The request counts until then, and at most five minutes from now. */
  expires_at: Instant,
});
export type RegistryRequestClaim = z.infer<typeof RegistryRequestClaim>;

/** The part of the claim that travels with a request, and its signature: the rest follows from the request itself. */
export const RegistryAuth = RegistryRequestClaim.pick({ signer_id: true, nonce: true, expires_at: true })
  .extend({ sig: Signature })
  .strict();
export type RegistryAuth = z.infer<typeof RegistryAuth>;

export const RegistryProposeRequest = z.strictObject({
  payload: RegistryPayload,
  /** Of the canonical payload. It is what the request signs, so that a stranger is refused before the payload is looked at. */
  payload_b3: ContentId,
  auth: RegistryAuth,
});
export type RegistryProposeRequest = z.infer<typeof RegistryProposeRequest>;

/** The same before its payload is believed to be one. */
export const RegistryProposeEnvelope = RegistryProposeRequest.extend({ payload: z.unknown() });
export type RegistryProposeEnvelope = z.infer<typeof RegistryProposeEnvelope>;

export const RegistryApproveRequest = z.strictObject({ approval: RegistryApproval, auth: RegistryAuth });
export type RegistryApproveRequest = z.infer<typeof RegistryApproveRequest>;

export const RegistryCommitRequest = z.strictObject({ auth: RegistryAuth });
export type RegistryCommitRequest = z.infer<typeof RegistryCommitRequest>;

/** Freeze and thaw. */
export const RegistryOperatorRequest = z.strictObject({ reason: Text, auth: RegistryAuth });
export type RegistryOperatorRequest = z.infer<typeof RegistryOperatorRequest>;

/** What a proposal still needs. A rotation of signers needs both quorums. */
export const RegistryQuorum = z.object({
  /** Signatures that are needed, of how many signers, and how many must be post-quantum. */
  m: z.int(),
  n: z.int(),
  k_pq: z.int(),
  /** Of the signers in force: how many approve, and how many of these with a post-quantum key. */
  approved: z.int(),
  approved_pq: z.int(),
  /** The same of the signers a rotation brings; absent for other kinds. */
  incoming: z.object({ m: z.int(), n: z.int(), k_pq: z.int(), approved: z.int(), approved_pq: z.int() }).optional(),
  met: z.boolean(),
});
export type RegistryQuorum = z.infer<typeof RegistryQuorum>;

export const RegistryProposalState = z.enum(['open', 'committed', 'expired', 'stale']);
export type RegistryProposalState = z.infer<typeof RegistryProposalState>;

/** A proposal as it stands. Its id is the hash of its payload. */
export const RegistryProposal = z.object({
  proposal_id: ContentId,
  version: Version,
  kind: z.string(),
  /** `stale`: the log went on without it. */
  state: RegistryProposalState,
  expires_at: Instant,
  proposed_by: SignerId,
  approvals: z.array(RegistryApproval.omit({ sig: true })),
  quorum: RegistryQuorum,
});
export type RegistryProposal = z.infer<typeof RegistryProposal>;

/** `GET /registry/proposals/{id}`: with the payload that is signed. */
export const RegistryProposalShown = RegistryProposal.extend({ payload: z.record(z.string(), z.unknown()) });
export type RegistryProposalShown = z.infer<typeof RegistryProposalShown>;

export const RegistryProposalList = z.object({ proposals: z.array(RegistryProposal) });
export type RegistryProposalList = z.infer<typeof RegistryProposalList>;

/** The signers in force, the keys the log itself signs with, and whether it takes writes. */
export const RegistrySigners = z.object({
  log: LogName,
  /** Of the note key that signs checkpoints (C2SP signed-note verifier key); empty until the log has a signer set. */
  vkey: z.string(),
  /** Of the key that cosigns with a time (C2SP tlog-cosignature). */
  cosigner_vkey: z.string(),
  state: z.enum(['open', 'frozen', 'sealed', 'replica', 'no_signers']),
  version: Version,
  m: z.int(),
  k_pq: z.int(),
  signers: z.array(Signer),
  /** The set the log began with, version 0: where a verifier begins that has no genesis file; null without one. */
  genesis: z.object({ m: z.int(), k_pq: z.int(), signers: z.array(Signer) }).nullable(),
});
export type RegistrySigners = z.infer<typeof RegistrySigners>;

/** `GET /registry/consistency`: RFC 9162, 2.1.4, hashes in base64. */
export const RegistryConsistency = z.object({ from: Version, to: Version, hashes: z.array(z.base64()) });
export type RegistryConsistency = z.infer<typeof RegistryConsistency>;

/** One record of the audit chain: each line of `GET /registry/audit`. */
export const RegistryAuditRecord = z.object({
  v: z.literal(1),
  seq: z.int().positive(),
  ts_ms: z.int(),
  writer_id: z.string(),
  kind: z.enum(['genesis', 'propose', 'approve', 'commit', 'freeze', 'thaw', 'refuse', 'expire']),
  actor: z.string().nullable(),
  /** Hash of the payload it is about. */
  subject: ContentId.nullable(),
  reason: z.string().nullable(),
  attrs: z.record(z.string(), z.union([z.string(), z.int()])),
  /** `self_hash` of the record before; `b3:0` for the first. */
  prev: z.string(),
  /** BLAKE3 of the canonical record without this member. */
  self_hash: ContentId,
});
export type RegistryAuditRecord = z.infer<typeof RegistryAuditRecord>;

/** A version, or how many of them, in a header or a query: one spelling of each number. */
export const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;

const Page = z.string().regex(DECIMAL, 'must be a decimal number').optional();

/** A request to the log as its HTTP face took it: the gateway hands it on, the registry answers it the same on its own port. */
export const RegistryCall = z.strictObject({
  route: z.enum(Object.keys(REGISTRY_ROUTES) as RegistryRouteName[]),
  /** The parameter of the path, as it was sent. */
  parameter: z.string().max(LIMITS.registry_parameter_chars.value).optional(),
  query: z.strictObject({ after: Page, limit: Page, from: Page, to: Page }),
  if_none_match: z.string().max(LIMITS.condition_header_chars.value).optional(),
  body: z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes').optional(),
});
export type RegistryCall = z.infer<typeof RegistryCall>;

/** How the face answers. A body longer than one chunk follows as a stream. */
export const RegistryAnswer = z.strictObject({
  status: z.int().min(200).max(599),
  headers: z.record(z.string(), z.string()),
  bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes').optional(),
});
export type RegistryAnswer = z.infer<typeof RegistryAnswer>;

/** Those that have a name of their own in the OpenAPI document. */
export const REGISTRY_COMPONENTS = {
  RegistryApproval,
  RegistryApproveRequest,
  RegistryAuditRecord,
  RegistryAuth,
  RegistryCommitRequest,
  RegistryCommitted,
  RegistryConsistency,
  RegistryEntry,
  RegistryHead,
  RegistryLeaf,
  RegistryOperatorRequest,
  RegistryPayload,
  RegistryProposal,
  RegistryProposalList,
  RegistryProposalShown,
  RegistryProposeRequest,
  RegistryQuorum,
  RegistrySigners,
  Signer,
} as const;
