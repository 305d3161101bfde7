import { type NameGetRequest, type NamePutRequest, type NameReply, SUBJECTS } from '@macronode/contracts';
import { BusPayload, Serves } from '@macronode/service';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { NameService } from './name.service.ts';

const { index } = SUBJECTS;

@Controller()
export class IndexBusController {
  constructor(private readonly names: NameService) {}

  @Serves(index.nameGet)
  nameGet(@Payload(BusPayload(index.nameGet)) request: NameGetRequest): Promise<NameReply> {
    return this.names.resolve(request.name);
  }

  @Serves(index.namePut)
  namePut(@Payload(BusPayload(index.namePut)) request: NamePutRequest): Promise<NameReply> {
    return this.names.publish(request);
  }
}
