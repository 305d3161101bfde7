import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { addressOf } from './client-address.ts';
import type { ClientGate, Refusal } from './client-gate.ts';
import type { Tarpit } from './tarpit.ts';

/** What the parser of Node refuses; a connection that broke off has another code. */
const PARSER_CODE = /^HPE_/;
const isMalformed = (status: number): boolean => status === 400 || status === 431;

/** Puts the gate before every route of a public surface. */
export function guardClients(http: FastifyInstance, gate: ClientGate, tarpit: Tarpit): void {
  http.addHook('onRequest', (request, reply, done) => {
    const address = addressOf(request.raw.socket);
    const refusal = address === undefined ? undefined : gate.judge(address);
    if (refusal === undefined) done();
    else refuse(refusal, reply, tarpit, done);
  });
}

function refuse(refusal: Refusal, reply: FastifyReply, tarpit: Tarpit, done: (error: Error) => void): void {
  const { error, cut, holdMs } = refusal;
  if (cut) reply.raw.shouldKeepAlive = false;
  if (holdMs === 0) {
    done(error);
    return;
  }
  tarpit.hold(reply.raw, holdMs, (waited) => {
    if (waited) refusal.released();
    done(error);
  });
}

/** Tells the gate of every malformed request: what the parser refuses, what the router does, and what the routes do. */
export function countMalformed(server: Server, gate: ClientGate): void {
  const tell = (socket: Socket): void => {
    const address = addressOf(socket);
    if (address !== undefined) gate.malformed(address);
  };
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // A socket of `net`, whatever its declared type says.
    if (PARSER_CODE.test(error.code ?? '')) tell(socket as Socket);
  });
  server.on('request', ({ socket }, response) => {
    response.once('finish', () => {
      if (isMalformed(response.statusCode)) tell(socket);
    });
  });
}
