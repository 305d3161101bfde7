import type { RegistryRouteName } from '@macronode/contracts';
import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EventStream } from './event-stream.ts';
import { readRegistryCall } from './registry-call.ts';
import { RegistryDesk } from './registry-desk.ts';
import { sendRegistryAnswer } from './registry-reply.ts';

/** The routes of the registry. It judges what HTTP asks of a request; what the request asks for is the desk's. */
@Controller('registry')
export class RegistryHttpController {
  constructor(
    private readonly desk: RegistryDesk,
    private readonly events: EventStream,
  ) {}

  @Get('head')
  head(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryHead', request, reply);
  }

  @Get('log')
  log(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryLog', request, reply);
  }

  @Get('consistency')
  consistency(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryConsistency', request, reply);
  }

  @Get('stream')
  stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.events.open(request, reply);
  }

  @Get('signers')
  signers(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registrySigners', request, reply);
  }

  @Get('audit')
  audit(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryAudit', request, reply);
  }

  @Get('tlog/checkpoint')
  checkpoint(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryCheckpoint', request, reply);
  }

  @Get('tlog/tile/*')
  tile(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryTile', request, reply);
  }

  @Get('proposals')
  proposals(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryProposals', request, reply);
  }

  @Get('proposals/:id')
  proposal(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryProposal', request, reply);
  }

  @Get(':version')
  entry(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryEntry', request, reply);
  }

  @Get(':version/proof')
  proof(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryProof', request, reply);
  }

  @Post('proposals')
  propose(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryPropose', request, reply);
  }

  @Post('approvals/:id')
  approve(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryApprove', request, reply);
  }

  @Post('commit/:id')
  commit(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryCommit', request, reply);
  }

  @Post('freeze')
  freeze(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryFreeze', request, reply);
  }

  @Post('thaw')
  thaw(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryThaw', request, reply);
  }

  @Post('witness/add-checkpoint')
  addCheckpoint(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#answer('registryAddCheckpoint', request, reply);
  }

  async #answer(route: RegistryRouteName, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const leave = this.desk.enter(route);
    if (reply.raw.closed) leave();
    else reply.raw.once('close', leave);
    const call = await readRegistryCall(route, request, reply);
    sendRegistryAnswer(request, reply, await this.desk.answer(call, request.ctx));
  }
}
