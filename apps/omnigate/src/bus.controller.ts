import { BusContext, type Forwarded } from '@macronode/bus';
import {
  type MailboxAckRequest,
  type MailboxRecvRequest,
  type MailboxSendRequest,
  type NameGetRequest,
  type NamePutRequest,
  type NameReadRequest,
  type ObjectOpenRequest,
  type ObjectReadRequest,
  SUBJECTS,
} from '@macronode/contracts';
import { BusPayload, Serves } from '@macronode/service';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { AdmissionService } from './admission.service.ts';
import { Echoer } from './echoer.service.ts';
import { NameReader } from './name-reader.service.ts';

const { omnigate, index, storage, mailbox } = SUBJECTS;

/** Judges each request once, then hands it on: its owner answers the gateway, and no byte of an object comes by here. */
@Controller()
export class OmnigateBusController {
  constructor(
    private readonly admission: AdmissionService,
    private readonly names: NameReader,
    private readonly echoer: Echoer,
  ) {}

  @Serves(omnigate.echo)
  echo(@Payload(BusPayload(omnigate.echo)) bytes: Uint8Array, @Ctx() context: BusContext): Promise<Uint8Array> {
    return this.admission.admit(context, () => this.echoer.echo(bytes, context));
  }

  @Serves(omnigate.objectRead)
  objectRead(
    @Payload(BusPayload(omnigate.objectRead)) request: ObjectReadRequest,
    @Ctx() context: BusContext,
  ): Promise<Forwarded> {
    return this.admission.admit(context, () => context.forward(storage.objectRead, request));
  }

  @Serves(omnigate.objectOpen)
  objectOpen(
    @Payload(BusPayload(omnigate.objectOpen)) request: ObjectOpenRequest,
    @Ctx() context: BusContext,
  ): Promise<Forwarded> {
    return this.admission.admit(context, () => context.forward(storage.objectOpen, request));
  }

  @Serves(omnigate.nameRead)
  nameRead(
    @Payload(BusPayload(omnigate.nameRead)) request: NameReadRequest,
    @Ctx() context: BusContext,
  ): Promise<Forwarded> {
    return this.admission.admit(context, () => this.names.read(request, context));
  }

  @Serves(omnigate.nameGet)
  nameGet(
    @Payload(BusPayload(omnigate.nameGet)) request: NameGetRequest,
    @Ctx() context: BusContext,
  ): Promise<Forwarded> {
    return this.admission.admit(context, () => context.forward(index.nameGet, request));
  }

  @Serves(omnigate.namePut)
  namePut(
    @Payload(BusPayload(omnigate.namePut)) request: NamePutRequest,
    @Ctx() context: BusContext,
  ): Promise<Forwarded> {
    return this.admission.admit(context, () => context.forward(index.namePut, request));
  }

  @Serves(omnigate.mailboxSend)
  mailboxSend(
    @Payload(BusPayload(omnigate.mailboxSend)) request: MailboxSendRequest,
    @Ctx() context: BusContext,
  ): Promise<Forwarded> {
    return this.admission.admit(context, () => context.forward(mailbox.send, request));
  }

  @Serves(omnigate.mailboxRecv)
  mailboxRecv(
    @Payload(BusPayload(omnigate.mailboxRecv)) request: MailboxRecvRequest,
    @Ctx() context: BusContext,
  ): Promise<Forwarded> {
    return this.admission.admit(context, () => context.forward(mailbox.recv, request));
  }

  @Serves(omnigate.mailboxAck)
  mailboxAck(
    @Payload(BusPayload(omnigate.mailboxAck)) request: MailboxAckRequest,
    @Ctx() context: BusContext,
  ): Promise<Forwarded> {
    return this.admission.admit(context, () => context.forward(mailbox.ack, request));
  }
}
