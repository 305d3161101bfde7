import { BusContext, StreamReply } from '@macronode/bus';
import { type RegistryAnswer, type RegistryCall, SUBJECTS } from '@macronode/contracts';
import { BusPayload, Serves } from '@macronode/service';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { LogDesk } from './log.desk.ts';

const { registry } = SUBJECTS;

/** The routes as the gateway asks for them. */
@Controller()
export class RegistryBusController {
  constructor(private readonly desk: LogDesk) {}

  @Serves(registry.read)
  async read(
    @Payload(BusPayload(registry.read)) call: RegistryCall,
    @Ctx() context: BusContext,
  ): Promise<RegistryAnswer | StreamReply> {
    const { body, ...head } = await this.desk.answer(call, context);
    return body === undefined ? head : new StreamReply(head, body);
  }

  @Serves(registry.write)
  async write(
    @Payload(BusPayload(registry.write)) call: RegistryCall,
    @Ctx() context: BusContext,
  ): Promise<RegistryAnswer> {
    const { body: _body, ...head } = await this.desk.answer(call, context);
    return head;
  }
}
