export {
  BUS_ADMIN_ROUTES,
  BUS_DLQ_PAGE,
  BusDeadLetter,
  BusDeadLetterId,
  BusDeadLetterList,
  BusDeadLetterListQuery,
  BusDeadLetterManyQuery,
  BusDeadLetterShown,
  BusDeadLettersDropped,
  BusDeadLettersReplayed,
  BusServiceName,
} from './bus-admin.ts';
export { EchoBytes } from './echo.ts';
export { Task, TaskList, TASKS_PATH } from './tasks.ts';
export { ERRORS, ERROR_CODES, ServiceError, isErrorCode } from './errors.ts';
export type { ErrorCode, ErrorRow, ServiceErrorOptions } from './errors.ts';
export { LIMITS } from './limits.ts';
export type { Limit, LimitName } from './limits.ts';
export {
  MailboxAckReply,
  MailboxAckRequest,
  MailboxMessage,
  MailboxRecvReply,
  MailboxRecvRequest,
  MailboxSendReply,
  MailboxSendRequest,
  Topic,
} from './mailbox.ts';
export {
  MESH_ADMIN_ROUTES,
  MESH_CLAIMS_PAGE,
  MESH_TTL_MAX_S,
  MeshAddress,
  MeshClaim,
  MeshClaimDraft,
  MeshClaimKind,
  MeshClaimList,
  MeshClaimParams,
  MeshClaimReason,
  MeshClaimTaken,
  MeshClaimsQuery,
  MeshNodeId,
  MeshPeer,
  MeshPeerList,
  MeshStanding,
  MeshStandingParams,
  MeshStatus,
  MeshSubject,
  MeshTrustReload,
} from './mesh-admin.ts';
export { MESH_SCORE_HEADER, meshMetadata, readMeshMetadata } from './mesh-score.ts';
export type { MeshScore } from './mesh-score.ts';
export {
  NAME_RECORD_DOMAIN,
  Name,
  NameClaim,
  NameGetRequest,
  NamePutBody,
  NamePutRequest,
  NameRecord,
  NameReply,
  NameTarget,
} from './name.ts';
export {
  ContentId,
  ObjectOpenReply,
  ObjectOpenRequest,
  ObjectReadReply,
  ObjectReadRequest,
  ObjectStored,
  ObjectWriteReply,
  ObjectWriteRequest,
  ReadConditions,
  UploadTicket,
} from './object.ts';
export { ErrorEnvelope, Readiness, Version } from './ops.ts';
export { API_VERSION, openApiDocument } from './openapi.ts';
export {
  DECIMAL,
  Descriptor,
  LogName,
  REGISTRY_APPROVAL_DOMAIN,
  REGISTRY_POSSESSION_DOMAIN,
  REGISTRY_REQUEST_DOMAIN,
  REGISTRY_SCHEMA_VERSION,
  RegistryAction,
  RegistryAnswer,
  RegistryApproval,
  RegistryApproveRequest,
  RegistryAuditRecord,
  RegistryAuth,
  RegistryCall,
  RegistryCommitRequest,
  RegistryCommitted,
  RegistryConsistency,
  RegistryEntry,
  RegistryGenesis,
  RegistryHead,
  RegistryLeaf,
  RegistryOperatorRequest,
  RegistryPayload,
  RegistryProposal,
  RegistryProposalList,
  RegistryProposalShown,
  RegistryProposalState,
  RegistryProposeEnvelope,
  RegistryProposeRequest,
  RegistryQuorum,
  RegistryRequestClaim,
  RegistrySigners,
  SignatureAlgorithm,
  Signer,
  SignerClaim,
  SignerId,
} from './registry.ts';
export { REGISTRY_ROUTES, ROUTES } from './routes.ts';
export type { RegistryRouteName, Route, RouteName, Upstream } from './routes.ts';
export { LATENCY_BUCKETS_SECONDS, SLOS } from './slo.ts';
export type { AnySlo, LatencySlo, SloName } from './slo.ts';
export { NameReadRequest, SERVICES, SUBJECTS, TOPICS } from './subjects.ts';
export type { ServiceName, Subject } from './subjects.ts';
