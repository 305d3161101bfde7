import { Logger } from '@nestjs/common';
import { type ClientOptions, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import type { Contestant, EchoClient, Venue } from '../contestant.ts';
import { ECHO, serveEcho } from '../echo-application.ts';

const HOST = '127.0.0.1';

async function connect(options: ClientOptions): Promise<EchoClient> {
  // What fails is counted by whoever calls.
  Logger.overrideLogger(false);
  const client = ClientProxyFactory.create(options);
  await client.connect();
  return { call: (payload) => firstValueFrom(client.send(ECHO, payload)) };
}

const redisOptions = ({ redisPort }: Venue) =>
  ({ transport: Transport.REDIS, options: { host: HOST, port: redisPort } }) as const;
const tcpOptions = ({ port }: Venue) => ({ transport: Transport.TCP, options: { host: HOST, port } }) as const;

/** NestJS's Redis transport, as it comes: publish and subscribe, JSON. */
export const nestRedis: Contestant = {
  serve: (venue) => serveEcho(redisOptions(venue)),
  connect: (venue) => connect(redisOptions(venue)),
};

/** NestJS's TCP transport, as it comes: one connection, JSON, no broker. */
export const nestTcp: Contestant = {
  serve: (venue) => serveEcho(tcpOptions(venue)),
  connect: (venue) => connect(tcpOptions(venue)),
};
