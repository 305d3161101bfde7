import { MESH_SCORE_HEADER, meshMetadata, ServiceError } from '@macronode/contracts';
import type { Mesh } from '@macronode/mesh';
import type { CounterCell } from '@macronode/metrics';
import type { FastifyInstance } from 'fastify';
import { addressOf } from '../clients/client-address.ts';
import type { Enforcement } from './enforcement.ts';
import type { ScoredRoutes } from './scored-routes.ts';

/** Takes off the score a client brings: only this node says what it thinks of it. The mesh on or off. */
export function stripScore(http: FastifyInstance, stripped: CounterCell): void {
  http.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
    if (headers[MESH_SCORE_HEADER] !== undefined) {
      // Headers of a message are a plain object of its own.
      Reflect.deleteProperty(headers, MESH_SCORE_HEADER);
      stripped.inc();
    }
    done();
  });
}

/** The mesh, as requests meet it. */
export interface Scoring {
  readonly mesh: Mesh;
  /** Where scores refuse; undefined: they are told on, nothing more. */
  readonly enforcement: Enforcement | undefined;
  readonly scored: ScoredRoutes;
}

/**
 * Looks up the client of every request before anything else is judged. What is known travels in the frames of the request,
 * and in the answers of the routes that tell it.
 */
export function scoreClients(http: FastifyInstance, { mesh, enforcement, scored }: Scoring): void {
  http.addHook('onRequest', (request, reply, done) => {
    const address = addressOf(request.raw.socket);
    if (address === undefined) {
      done();
      return;
    }
    const standing = mesh.lookup(address);
    if (enforcement?.refuses(address, standing) === true) {
      const message = 'Several gateways of this network report abuse from your address.';
      done(new ServiceError('forbidden', message, { reason: 'mesh_score' }));
      return;
    }
    if (standing !== undefined) {
      request.ctx.metadata = meshMetadata(standing.header, standing.sources);
      if (scored.has(request.routeOptions.url)) void reply.header(MESH_SCORE_HEADER, standing.header);
    }
    done();
  });
}
