import {
  BusOverflow,
  type DeadLetter,
  type DeadLetterHead,
  type DeadLetters,
  type Link,
  readMessageHeads,
} from '@macronode/bus';
import {
  BUS_ADMIN_ROUTES,
  type BusDeadLetter,
  BusDeadLetterId,
  type BusDeadLetterList,
  BusDeadLetterListQuery,
  BusDeadLetterManyQuery,
  type BusDeadLetterShown,
  type BusDeadLettersDropped,
  type BusDeadLettersReplayed,
  BusServiceName,
  ServiceError,
} from '@macronode/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { AdminGuard } from './admin-guard.ts';
import { parseAdmin, routerPath } from './admin-routes.ts';
import type { Logger } from './logging.ts';

export interface BusAdminSources {
  readonly link: Link;
  readonly guard: AdminGuard;
  /** The services of this process. */
  readonly services: readonly string[];
  readonly log: Logger;
}

const ServiceParams = z.object({ service: BusServiceName });
const LetterParams = z.object({ service: BusServiceName, id: BusDeadLetterId });

/** Adds the routes for dead letters to an ops port. Every one is guarded; what changes something is logged. */
export function addBusAdmin(http: FastifyInstance, sources: BusAdminSources): void {
  // A scope of its own, so that the guard stands before these routes and no others.
  void http.register((scope, _options, done) => {
    scope.addHook('onRequest', (request, _reply, next) => {
      sources.guard.check(request.headers.authorization);
      next();
    });
    addReads(scope, sources);
    addWrites(scope, sources);
    done();
  });
}

function addReads(http: FastifyInstance, { link, services }: BusAdminSources): void {
  http.get(BUS_ADMIN_ROUTES.list, async (request): Promise<BusDeadLetterList> => {
    const query = parseAdmin(BusDeadLetterListQuery, request.query);
    const service = query.service ?? (services.length === 1 ? services[0] : undefined);
    if (service === undefined)
      throw new ServiceError('bad_request', `This process runs several services: name one of them with ?service=`);
    const { letters, next } = await link.deadLetters(service).list({ after: query.after, limit: query.limit });
    return { letters: letters.map(toPublic), next: next ?? null };
  });
  http.get(routerPath(BUS_ADMIN_ROUTES.letter), async (request): Promise<BusDeadLetterShown> => {
    const { service, id } = parseAdmin(LetterParams, request.params);
    const letter = await link.deadLetters(service).show(id);
    if (letter === undefined) throw gone();
    return toShown(letter);
  });
}

function addWrites(http: FastifyInstance, { link, log }: BusAdminSources): void {
  http.post(`${routerPath(BUS_ADMIN_ROUTES.letter)}/replay`, async (request): Promise<BusDeadLettersReplayed> => {
    const { service, id } = parseAdmin(LetterParams, request.params);
    if (!(await link.deadLetters(service).replay(id))) throw gone();
    log.info({ service, id }, 'dead letter replayed');
    return { replayed: 1, more: false, retry_after_ms: null };
  });
  http.delete(routerPath(BUS_ADMIN_ROUTES.letter), async (request): Promise<BusDeadLettersDropped> => {
    const { service, id } = parseAdmin(LetterParams, request.params);
    if (!(await link.deadLetters(service).drop(id))) throw gone();
    log.info({ service, id }, 'dead letter dropped');
    return { dropped: 1, more: false };
  });
  http.post(`${routerPath(BUS_ADMIN_ROUTES.service)}/replay`, async (request): Promise<BusDeadLettersReplayed> => {
    const { service } = parseAdmin(ServiceParams, request.params);
    const result = await replayMany(link.deadLetters(service), parseAdmin(BusDeadLetterManyQuery, request.query));
    log.info({ service, replayed: result.replayed }, 'dead letters replayed');
    return result;
  });
  http.delete(routerPath(BUS_ADMIN_ROUTES.service), async (request): Promise<BusDeadLettersDropped> => {
    const { service } = parseAdmin(ServiceParams, request.params);
    const { limit, before = Date.now() } = parseAdmin(BusDeadLetterManyQuery, request.query);
    const letters = link.deadLetters(service);
    const dropped = await letters.dropUntil(before, limit);
    log.info({ service, dropped }, 'dead letters dropped');
    return { dropped, more: await anyBefore(letters, before) };
  });
}

/** The oldest first. A full stream ends it early: refused outright only when nothing was replayed. */
async function replayMany(letters: DeadLetters, query: BusDeadLetterManyQuery): Promise<BusDeadLettersReplayed> {
  const { limit, before = Date.now() } = query;
  const page = await letters.list({ limit });
  let replayed = 0;
  for (const { id, at } of page.letters) {
    if (at > before) return { replayed, more: false, retry_after_ms: null };
    try {
      if (await letters.replay(id)) replayed += 1;
    } catch (error) {
      if (!(error instanceof BusOverflow) || replayed === 0) throw error;
      return { replayed, more: true, retry_after_ms: Math.max(1, Math.ceil(error.retryAfterMs ?? 1_000)) };
    }
  }
  return { replayed, more: await anyBefore(letters, before), retry_after_ms: null };
}

async function anyBefore(letters: DeadLetters, before: number): Promise<boolean> {
  const [oldest] = (await letters.list({ limit: 1 })).letters;
  return oldest !== undefined && oldest.at <= before;
}

const gone = (): ServiceError => new ServiceError('not_found', 'There is no such dead letter.');

function toPublic(letter: DeadLetterHead): BusDeadLetter {
  const { id, service, kind, name, lane, reason, attempts, consumer, corrId, traceparent, frames, bytes, at } = letter;
  const origin = { id, service, kind, name, lane, reason, attempts, consumer };
  return { ...origin, corr_id: corrId, traceparent, messages: frames, bytes, at: new Date(at).toISOString() };
}

function toShown(letter: DeadLetter): BusDeadLetterShown {
  const { messages, fault } = readMessageHeads(letter.entry);
  return {
    ...toPublic(letter),
    contents: messages.map(({ subject, corrId, traceparent, bytes }) => ({
      subject,
      corr_id: corrId,
      traceparent,
      bytes,
    })),
    fault: fault ?? null,
    entry_b64: Buffer.from(letter.entry).toString('base64'),
  };
}
