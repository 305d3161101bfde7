import { BusContext } from '@macronode/bus';
import {
  type MailboxAckReply,
  type MailboxAckRequest,
  type MailboxRecvReply,
  type MailboxRecvRequest,
  type MailboxSendReply,
  type MailboxSendRequest,
  SUBJECTS,
} from '@macronode/contracts';
import { BusPayload, Serves } from '@macronode/service';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { MailboxService } from './mailbox.service.ts';

const { mailbox } = SUBJECTS;

@Controller()
export class MailboxBusController {
  constructor(private readonly messages: MailboxService) {}

  @Serves(mailbox.send)
  send(@Payload(BusPayload(mailbox.send)) request: MailboxSendRequest): Promise<MailboxSendReply> {
    return this.messages.send(request);
  }

  @Serves(mailbox.recv)
  recv(
    @Payload(BusPayload(mailbox.recv)) request: MailboxRecvRequest,
    @Ctx() context: BusContext,
  ): Promise<MailboxRecvReply> {
    return this.messages.recv(request, context);
  }

  @Serves(mailbox.ack)
  ack(@Payload(BusPayload(mailbox.ack)) request: MailboxAckRequest): Promise<MailboxAckReply> {
    return this.messages.ack(request);
  }
}
