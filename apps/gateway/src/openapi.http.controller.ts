import { hashBytes } from '@macronode/content';
import { openApiDocument } from '@macronode/contracts';
import { headerText } from '@macronode/service';
import { Controller, Get, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdmissionGuard } from './admission.guard.ts';
import { VARIES } from './compression.ts';
import { currentCopy } from './conditions.ts';

@Controller()
@UseGuards(AdmissionGuard)
export class OpenApiHttpController {
  readonly #bytes = Buffer.from(`${JSON.stringify(openApiDocument(), null, 2)}\n`);
  readonly #etag = hashBytes(this.#bytes);

  @Get('openapi.json')
  document(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const copy = currentCopy(headerText(request.headers, 'if-none-match'), this.#etag);
    reply.headers({ etag: `"${copy ?? this.#etag}"`, 'cache-control': 'public, max-age=300', ...VARIES });
    if (copy !== undefined) return void reply.code(304).send();
    reply.type('application/json; charset=utf-8').send(this.#bytes);
  }
}
