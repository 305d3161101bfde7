import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdmissionService } from './admission.service.ts';

/** Asks the in-flight gate before anything of the request is read. */
@Injectable()
export class AdmissionGuard implements CanActivate {
  constructor(private readonly admission: AdmissionService) {}

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { method, ctx } = http.getRequest<FastifyRequest>();
    this.admission.admit(method, http.getResponse<FastifyReply>().raw, ctx);
    return true;
  }
}
