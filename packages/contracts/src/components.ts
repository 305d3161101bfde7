import type { z } from 'zod';
import {
  MailboxAckReply,
  MailboxAckRequest,
  MailboxMessage,
  MailboxRecvReply,
  MailboxRecvRequest,
  MailboxSendReply,
  MailboxSendRequest,
  Topic,
} from './mailbox.ts';
import { Name, NameClaim, NamePutBody, NameRecord, NameTarget } from './name.ts';
import { ContentId, ObjectStored } from './object.ts';
import { ErrorEnvelope } from './ops.ts';
import {
  RegistryApproval,
  RegistryApproveRequest,
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
} from './registry.ts';

/** Schemas that have a name of their own in the document. */
export const COMPONENTS = {
  ContentId,
  ErrorEnvelope,
  MailboxAckReply,
  MailboxAckRequest,
  MailboxMessage,
  MailboxRecvReply,
  MailboxRecvRequest,
  MailboxSendReply,
  MailboxSendRequest,
  Name,
  NameClaim,
  NamePutBody,
  NameRecord,
  NameTarget,
  ObjectStored,
  RegistryApproval,
  RegistryApproveRequest,
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
  Topic,
} as const satisfies Record<string, z.ZodType>;

export type ComponentName = keyof typeof COMPONENTS;
