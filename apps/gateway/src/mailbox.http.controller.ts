import { Bus } from '@macronode/bus';
import {
  LIMITS,
  MailboxAckRequest,
  MailboxRecvRequest,
  MailboxSendRequest,
  SUBJECTS,
  type MailboxAckReply,
  type MailboxRecvReply,
  type MailboxSendReply,
} from '@macronode/contracts';
import { toCallContext } from '@macronode/service';
import { Controller, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AdmissionGuard } from './admission.guard.ts';
import { JsonBody } from './json-body.ts';

@Controller('mailbox')
@UseGuards(AdmissionGuard)
export class MailboxHttpController {
  constructor(private readonly bus: Bus) {}

  @Post('send')
  @HttpCode(200)
  send(
    @JsonBody(MailboxSendRequest) body: MailboxSendRequest,
    @Req() request: FastifyRequest,
  ): Promise<MailboxSendReply> {
    return this.bus.call(SUBJECTS.omnigate.mailboxSend, body, toCallContext(request.ctx));
  }

  @Post('recv')
  @HttpCode(200)
  recv(
    @JsonBody(MailboxRecvRequest) body: MailboxRecvRequest,
    @Req() request: FastifyRequest,
  ): Promise<MailboxRecvReply> {
    request.ctx.setDeadline(body.wait_ms + LIMITS.request_timeout_ms.value);
    return this.bus.call(SUBJECTS.omnigate.mailboxRecv, body, toCallContext(request.ctx));
  }

  @Post('ack')
  @HttpCode(200)
  ack(@JsonBody(MailboxAckRequest) body: MailboxAckRequest, @Req() request: FastifyRequest): Promise<MailboxAckReply> {
    return this.bus.call(SUBJECTS.omnigate.mailboxAck, body, toCallContext(request.ctx));
  }
}
