import { Bus } from '@macronode/bus';
import { LIMITS, ServiceError, SUBJECTS, type ContentId, type ObjectWriteReply } from '@macronode/contracts';
import { refuseEncoding, RequestBody, toCallContext } from '@macronode/service';
import { Controller, Get, Head, Post, Put, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdmissionGuard } from './admission.guard.ts';
import { mustBeNew, readConditions } from './conditions.ts';
import { ObjectReply } from './object-reply.ts';
import { IdParam } from './route-params.ts';
import { Uploads } from './upload.service.ts';

@Controller('o')
@UseGuards(AdmissionGuard)
export class ObjectHttpController {
  constructor(
    private readonly bus: Bus,
    private readonly uploads: Uploads,
    private readonly replies: ObjectReply,
  ) {}

  @Post()
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#store(request, reply, undefined);
  }

  @Put(':id')
  put(@IdParam() id: ContentId, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#store(request, reply, id);
  }

  @Get(':id')
  get(@IdParam() id: ContentId, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#read('GET', id, request, reply);
  }

  @Head(':id')
  head(@IdParam() id: ContentId, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.#read('HEAD', id, request, reply);
  }

  async #read(method: 'GET' | 'HEAD', id: ContentId, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const payload = { id, conditions: readConditions(method, request.headers) };
    const answer = await this.bus.read(SUBJECTS.omnigate.objectRead, payload, toCallContext(request.ctx));
    await this.replies.send(request, reply, { method, named: false, ...answer });
  }

  async #store(request: FastifyRequest, reply: FastifyReply, id: ContentId | undefined): Promise<void> {
    refuseEncoding(request.raw);
    // RFC 9110, 14.5: a part must not be stored as if it were the whole.
    if (request.headers['content-range'] !== undefined) {
      throw new ServiceError('bad_request', 'Content-Range has no meaning here');
    }
    const body = new RequestBody(request.raw, reply.raw, LIMITS.max_object_bytes.value);
    const upload = { id, mustBeNew: mustBeNew(request.headers), body };
    const stored = await this.uploads.store(upload, toCallContext(request.ctx));
    sendStored(reply, stored);
  }
}

function sendStored(reply: FastifyReply, { id, size, created }: ObjectWriteReply): void {
  reply
    .code(created ? 201 : 200)
    .headers({ location: `/o/${id}`, etag: `"${id}"` })
    .send({ id, size });
}
