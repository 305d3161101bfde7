import { Bus, BusClient, BusServer, type BusSubject, RedisLink } from '@macronode/bus';
import { MetricsRegistry } from '@macronode/metrics';
import { firstValueFrom } from 'rxjs';
import type { Contestant, EchoClient, Venue } from '../contestant.ts';
import { ECHO, serveEcho } from '../echo-application.ts';

const passing = { parse: (value: unknown): unknown => value };
const SUBJECT: BusSubject<unknown, unknown> = {
  name: ECHO,
  service: 'bench',
  request: passing,
  reply: passing,
  stream: 'none',
  idempotent: true,
  deadlineMs: 10_000,
};

/** A bus with its default limits and every metric on, as a service has it. */
function makeBus({ redisPort }: Venue, service: string): Bus {
  const metrics = new MetricsRegistry().scope({ service });
  const link = new RedisLink({ url: `redis://127.0.0.1:${redisPort}`, name: service, metrics });
  return new Bus({ service, link, metrics });
}

const serve: Contestant['serve'] = (venue) => serveEcho({ strategy: new BusServer({ bus: makeBus(venue, 'bench') }) });

const connectTyped: Contestant['connect'] = async (venue) => {
  const bus = makeBus(venue, 'caller');
  await bus.start();
  let calls = 0;
  return {
    // Each call has a correlation id of its own, as requests of different callers have.
    call: (payload) => bus.call(SUBJECT, payload, { corrId: (calls += 1).toString(36).padStart(26, '0') }),
  };
};

/** Our transport by the typed call: a promise, no Observable. */
export const busCall: Contestant = { serve, connect: connectTyped };

/** The same, answered by a function instead of a NestJS handler. */
export const busCallServe: Contestant = {
  serve: async (venue) => {
    const bus = makeBus(venue, 'bench');
    bus.serve(ECHO, (payload) => payload);
    await bus.start();
  },
  connect: connectTyped,
};

/** Our transport by NestJS's own `ClientProxy.send`. */
export const busSend: Contestant = {
  serve,
  connect: async (venue): Promise<EchoClient> => {
    const bus = makeBus(venue, 'caller');
    const client = new BusClient({ bus });
    await client.connect();
    return { call: (payload) => firstValueFrom(client.send(ECHO, payload)) };
  },
};
