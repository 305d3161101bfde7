import { z } from 'zod';
import { EchoBytes } from './echo.ts';
import { LIMITS } from './limits.ts';
import {
  MailboxAckReply,
  MailboxAckRequest,
  MailboxRecvReply,
  MailboxRecvRequest,
  MailboxSendReply,
  MailboxSendRequest,
} from './mailbox.ts';
import { Name, NameGetRequest, NamePutRequest, NameReply } from './name.ts';
import {
  ObjectOpenReply,
  ObjectOpenRequest,
  ObjectReadReply,
  ObjectReadRequest,
  ObjectWriteReply,
  ObjectWriteRequest,
  ReadConditions,
} from './object.ts';
import { RegistryAnswer, RegistryCall, RegistryCommitted } from './registry.ts';

export const SERVICES = Object.freeze(['gateway', 'omnigate', 'index', 'storage', 'mailbox', 'registry'] as const);
export type ServiceName = (typeof SERVICES)[number];

/**
 * A bus address with its types. `stream` says whether bytes follow the request or the reply.
 * `idempotent` is whether a caller may repeat it after an unknown outcome.
 */
export interface Subject<Request, Reply> {
  readonly name: string;
  readonly service: ServiceName;
  readonly request: z.ZodType<Request>;
  readonly reply: z.ZodType<Reply>;
  readonly stream: 'none' | 'request' | 'reply';
  readonly idempotent: boolean;
  /** Default deadline of a call, in ms. */
  readonly deadlineMs: number;
}

function subject<Request, Reply>(
  service: ServiceName,
  verb: string,
  request: z.ZodType<Request>,
  reply: z.ZodType<Reply>,
  options: { stream?: 'request' | 'reply'; idempotent: boolean; deadlineMs?: number },
): Subject<Request, Reply> {
  return Object.freeze({
    name: `${service}.${verb}`,
    service,
    request,
    reply,
    stream: options.stream ?? 'none',
    idempotent: options.idempotent,
    deadlineMs: options.deadlineMs ?? LIMITS.request_timeout_ms.value,
  });
}

/** `/n/{name}`: omnigate asks the index, then forwards the read to storage. */
export const NameReadRequest = z.strictObject({ name: Name, conditions: ReadConditions });
export type NameReadRequest = z.infer<typeof NameReadRequest>;

const read = { stream: 'reply', idempotent: true } as const;
const query = { idempotent: true } as const;
const command = { idempotent: false } as const;
const longPoll = { idempotent: false, deadlineMs: LIMITS.mailbox_wait_max_ms.value + LIMITS.request_timeout_ms.value };

/** Every subject of the bus. The gateway speaks to omnigate; omnigate forwards to the owner; the owner answers the gateway. */
export const SUBJECTS = Object.freeze({
  omnigate: {
    echo: subject('omnigate', 'echo', EchoBytes, EchoBytes, query),
    objectRead: subject('omnigate', 'object.read', ObjectReadRequest, ObjectReadReply, read),
    objectOpen: subject('omnigate', 'object.open', ObjectOpenRequest, ObjectOpenReply, query),
    nameRead: subject('omnigate', 'name.read', NameReadRequest, ObjectReadReply, read),
    nameGet: subject('omnigate', 'name.get', NameGetRequest, NameReply, query),
    namePut: subject('omnigate', 'name.put', NamePutRequest, NameReply, command),
    mailboxSend: subject('omnigate', 'mailbox.send', MailboxSendRequest, MailboxSendReply, query),
    mailboxRecv: subject('omnigate', 'mailbox.recv', MailboxRecvRequest, MailboxRecvReply, longPoll),
    mailboxAck: subject('omnigate', 'mailbox.ack', MailboxAckRequest, MailboxAckReply, query),
  },
  index: {
    echo: subject('index', 'echo', EchoBytes, EchoBytes, query),
    nameGet: subject('index', 'name.get', NameGetRequest, NameReply, query),
    namePut: subject('index', 'name.put', NamePutRequest, NameReply, command),
  },
  storage: {
    echo: subject('storage', 'echo', EchoBytes, EchoBytes, query),
    objectRead: subject('storage', 'object.read', ObjectReadRequest, ObjectReadReply, read),
    objectOpen: subject('storage', 'object.open', ObjectOpenRequest, ObjectOpenReply, query),
    /** Sent to the inbox named by a ticket, never to the service's stream. */
    objectWrite: subject('storage', 'object.write', ObjectWriteRequest, ObjectWriteReply, {
      stream: 'request',
      idempotent: true,
      deadlineMs: LIMITS.stream_timeout_ms.value,
    }),
  },
  mailbox: {
    echo: subject('mailbox', 'echo', EchoBytes, EchoBytes, query),
    send: subject('mailbox', 'send', MailboxSendRequest, MailboxSendReply, query),
    recv: subject('mailbox', 'recv', MailboxRecvRequest, MailboxRecvReply, longPoll),
    ack: subject('mailbox', 'ack', MailboxAckRequest, MailboxAckReply, query),
  },
  registry: {
    /** Any route of the read plane; long bodies follow. */
    read: subject('registry', 'read', RegistryCall, RegistryAnswer, read),
    /** Any route of the write plane: a nonce is used once, so the bus must not repeat it. */
    write: subject('registry', 'write', RegistryCall, RegistryAnswer, command),
  },
});

/** An event of the bus with its type. Hints are broadcast and may be lost; whoever needs the state reads it then. */
export interface EventTopic<Event> {
  readonly name: string;
  readonly event: z.ZodType<Event>;
}

const topic = <Event>(name: string, event: z.ZodType<Event>): EventTopic<Event> => Object.freeze({ name, event });

/** Every event of the bus. */
export const TOPICS = Object.freeze({
  /** A version was committed. Readers that see a hole, or lost some, ask for the head. */
  registryCommitted: topic('registry.committed', RegistryCommitted),
});
