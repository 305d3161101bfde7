import type { Contestant } from '../contestant.ts';

interface Entry {
  readonly title: string;
  /** Loaded in the process that needs it, so that no contestant runs with the modules of another. */
  readonly load: () => Promise<Contestant>;
  readonly usesRedis: boolean;
}

/** Everyone who takes part, in the order of the tables. */
export const CONTESTANTS = Object.freeze({
  call: {
    title: 'macronode call()',
    load: async () => (await import('./macronode-bus.ts')).busCall,
    usesRedis: true,
  },
  call_serve: {
    title: 'macronode call() to serve()',
    load: async () => (await import('./macronode-bus.ts')).busCallServe,
    usesRedis: true,
  },
  send: {
    title: 'macronode send()',
    load: async () => (await import('./macronode-bus.ts')).busSend,
    usesRedis: true,
  },
  nest_redis: {
    title: 'NestJS Redis',
    load: async () => (await import('./nest-transports.ts')).nestRedis,
    usesRedis: true,
  },
  nest_tcp: {
    title: 'NestJS TCP (no broker)',
    load: async () => (await import('./nest-transports.ts')).nestTcp,
    usesRedis: false,
  },
  streams: {
    title: 'plain Redis Streams',
    load: async () => (await import('./plain-streams.ts')).plainStreams,
    usesRedis: true,
  },
  streams_pipelined: {
    title: 'plain Streams, autopipelined',
    load: async () => (await import('./plain-streams.ts')).plainStreamsPipelined,
    usesRedis: true,
  },
  bullmq: {
    title: 'BullMQ add + wait',
    load: async () => (await import('./bullmq.ts')).bullmq,
    usesRedis: true,
  },
} as const satisfies Readonly<Record<string, Entry>>);

export type ContestantName = keyof typeof CONTESTANTS;

export const CONTESTANT_NAMES = Object.keys(CONTESTANTS) as readonly ContestantName[];

export const isContestant = (name: string): name is ContestantName => Object.hasOwn(CONTESTANTS, name);
