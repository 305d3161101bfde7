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
import { REGISTRY_COMPONENTS } from './registry.ts';

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
  ...REGISTRY_COMPONENTS,
  Topic,
} as const satisfies Record<string, z.ZodType>;

export type ComponentName = keyof typeof COMPONENTS;
