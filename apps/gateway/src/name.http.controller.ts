import { Bus } from '@macronode/bus';
import { NamePutBody, ServiceError, SUBJECTS, type Name, type NameReply } from '@macronode/contracts';
import { headerText, toCallContext } from '@macronode/service';
import { Controller, Get, Head, Put, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdmissionGuard } from './admission.guard.ts';
import { identityTags, VARIES } from './compression.ts';
import { allowsTag, currentCopy, mustBeNew, readConditions } from './conditions.ts';
import { JsonBody } from './json-body.ts';
import { ObjectReply } from './object-reply.ts';
import { NameParam } from './route-params.ts';

@Controller()
@UseGuards(AdmissionGuard)
export class NameHttpController {
  constructor(
    private readonly bus: Bus,
    private readonly replies: ObjectReply,
  ) {}

  @Get('names/:name')
  async record(@NameParam() name: Name, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const found = await this.bus.call(SUBJECTS.omnigate.nameGet, { name }, toCallContext(request.ctx));
    const { headers } = request;
    if (!allowsTag(headerText(headers, 'if-match'), found.etag)) throw new ServiceError('precondition_failed');
    const copy = currentCopy(headerText(headers, 'if-none-match'), found.etag);
    reply.headers({ etag: `"${copy ?? found.etag}"`, 'cache-control': 'public, max-age=5', ...VARIES });
    if (copy !== undefined) return void reply.code(304).send();
    reply.send(found.record);
  }

  @Put('names/:name')
  async publish(
    @NameParam() name: Name,
    @JsonBody(NamePutBody) body: NamePutBody,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const ifMatch = headerText(request.headers, 'if-match');
    const payload = {
      name,
      body,
      must_be_new: mustBeNew(request.headers),
      ...(ifMatch === undefined ? {} : { if_match: identityTags(ifMatch) }),
    };
    const stored = await this.bus.call(SUBJECTS.omnigate.namePut, payload, toCallContext(request.ctx));
    sendPublished(reply, name, stored);
  }

  @Get('n/:name')
  get(@NameParam() name: Name, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#read('GET', name, request, reply);
  }

  @Head('n/:name')
  head(@NameParam() name: Name, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#read('HEAD', name, request, reply);
  }

  async #read(method: 'GET' | 'HEAD', name: Name, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const payload = { name, conditions: readConditions(method, request.headers) };
    const answer = await this.bus.read(SUBJECTS.omnigate.nameRead, payload, toCallContext(request.ctx));
    await this.replies.send(request, reply, { method, named: true, ...answer });
  }
}

function sendPublished(reply: FastifyReply, name: Name, { record, etag, created }: NameReply): void {
  reply
    .code(created ? 201 : 200)
    .headers({ location: `/names/${name}`, etag: `"${etag}"` })
    .send(record);
}
