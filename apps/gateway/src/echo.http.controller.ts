import { Bus } from '@macronode/bus';
import { LIMITS, SUBJECTS } from '@macronode/contracts';
import { refuseEncoding, RequestBody, toCallContext } from '@macronode/service';
import { Controller, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdmissionGuard } from './admission.guard.ts';

/** Any bytes, through every service and back. Mounted where GATEWAY_ECHO says so. */
@Controller('echo')
@UseGuards(AdmissionGuard)
export class EchoHttpController {
  constructor(private readonly bus: Bus) {}

  @Post()
  async echo(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseEncoding(request.raw);
    const body = new RequestBody(request.raw, reply.raw, LIMITS.echo_bytes.value);
    const bytes = await body.whole(LIMITS.request_timeout_ms.value);
    const echo = await this.bus.call(SUBJECTS.omnigate.echo, bytes, toCallContext(request.ctx));
    reply
      .code(200)
      .headers({
        'content-type': 'application/octet-stream',
        'cache-control': 'no-store',
        // What a stranger sent must never be taken for a page of ours.
        'content-disposition': 'attachment',
        'x-content-type-options': 'nosniff',
      })
      .send(Buffer.from(echo.buffer, echo.byteOffset, echo.byteLength));
  }
}
