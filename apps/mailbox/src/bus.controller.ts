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
import { BusPayload } from '@macronode/service';
import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { MailboxService } from './mailbox.service.ts';

const { mailbox } = SUBJECTS;

@Controller()
export class MailboxBusController {
  constructor(private readonly messages: MailboxService) {}

  @MessagePattern(mailbox.send.name)
  send(@Payload(BusPayload(mailbox.send)) request: MailboxSendRequest): Promise<MailboxSendReply> {
    return this.messages.send(request);
  }

  @MessagePattern(mailbox.recv.name)
  recv(
    @Payload(BusPayload(mailbox.recv)) request: MailboxRecvRequest,
    @Ctx() context: BusContext,
  ): Promise<MailboxRecvReply> {
    return this.messages.recv(request, context);
  }

  @MessagePattern(mailbox.ack.name)
  ack(@Payload(BusPayload(mailbox.ack)) request: MailboxAckRequest): Promise<MailboxAckReply> {
    return this.messages.ack(request);
  }
}
