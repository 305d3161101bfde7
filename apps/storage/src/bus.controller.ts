import { BusContext, type StreamReply } from '@macronode/bus';
import {
  type ObjectOpenReply,
  type ObjectOpenRequest,
  type ObjectReadReply,
  type ObjectReadRequest,
  type ObjectWriteReply,
  type ObjectWriteRequest,
  SUBJECTS,
} from '@macronode/contracts';
import { BusPayload, Serves } from '@macronode/service';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { ObjectService } from './object.service.ts';

const { objectOpen, objectRead, objectWrite } = SUBJECTS.storage;

@Controller()
export class StorageBusController {
  constructor(private readonly objects: ObjectService) {}

  @Serves(objectRead)
  read(
    @Payload(BusPayload(objectRead)) request: ObjectReadRequest,
    @Ctx() context: BusContext,
  ): Promise<StreamReply | ObjectReadReply> {
    return this.objects.read(request, context);
  }

  @Serves(objectOpen)
  open(
    @Payload(BusPayload(objectOpen)) request: ObjectOpenRequest,
    @Ctx() context: BusContext,
  ): Promise<ObjectOpenReply> {
    return this.objects.open(request, context);
  }

  @Serves(objectWrite)
  write(
    @Payload(BusPayload(objectWrite)) request: ObjectWriteRequest,
    @Ctx() context: BusContext,
  ): Promise<ObjectWriteReply> {
    return this.objects.write(request, context);
  }
}
