import { CONTESTANT_NAMES, type ContestantName } from './contestants/contestants.ts';
import type { Shape } from './messages.ts';
import type { PayloadName } from './payloads.ts';

/** Cells that share their processes: one payload, one number of clients, several shapes. */
export interface Section {
  /** First part of each of its cells' names. */
  readonly name: string;
  readonly title: string;
  readonly payload: PayloadName;
  readonly clients: number;
  readonly shapes: readonly Shape[];
  readonly contestants: readonly ContestantName[];
}

const closed = (concurrency: number): Shape => ({ loop: 'closed', concurrency });
const C1_C64_C512 = [closed(1), closed(64), closed(512)];
const OPEN_PER_SECOND = 10_000;
/** In flight of each of the four clients. */
const EACH_OF_FOUR = 64;

/** A job queue does not keep up with an open loop of this rate, nor with four clients: it is left out there. */
const WITHOUT_BULLMQ = CONTESTANT_NAMES.filter((name) => name !== 'bullmq');
/** JSON makes a number array of bytes; a job queue and hand-written streams add nothing to that story. */
const BINARY: readonly ContestantName[] = ['call', 'send', 'nest_redis', 'nest_tcp', 'streams'];

const FULL: readonly Section[] = [
  {
    name: '256',
    title: '256 B of text',
    payload: '256',
    clients: 1,
    shapes: C1_C64_C512,
    contestants: CONTESTANT_NAMES,
  },
  {
    name: '256',
    title: '256 B of text, open loop',
    payload: '256',
    clients: 1,
    shapes: [{ loop: 'open', rate: OPEN_PER_SECOND }],
    contestants: WITHOUT_BULLMQ,
  },
  {
    name: '256 4 clients',
    title: `256 B of text, four client processes with ${EACH_OF_FOUR} in flight each`,
    payload: '256',
    clients: 4,
    shapes: [closed(EACH_OF_FOUR)],
    contestants: WITHOUT_BULLMQ,
  },
  {
    name: '4096',
    title: '4 KiB of text',
    payload: '4096',
    clients: 1,
    shapes: C1_C64_C512,
    contestants: CONTESTANT_NAMES,
  },
  {
    name: '65536',
    title: '64 KiB of text',
    payload: '65536',
    clients: 1,
    shapes: C1_C64_C512,
    contestants: CONTESTANT_NAMES,
  },
  {
    name: '65536 binary',
    title: '64 KiB of bytes',
    payload: '65536_binary',
    clients: 1,
    shapes: [closed(1), closed(64)],
    contestants: BINARY,
  },
];

const QUICK: readonly Section[] = [
  {
    name: '256',
    title: '256 B of text',
    payload: '256',
    clients: 1,
    shapes: [closed(64), closed(512)],
    contestants: CONTESTANT_NAMES,
  },
];
const QUICK_CONTESTANTS: readonly ContestantName[] = ['call', 'send', 'nest_redis'];

/** What one run is limited to. */
export interface Choice {
  /** 256 B with 64 and 512 in flight, and by default ours beside NestJS's Redis. */
  readonly quick: boolean;
  readonly contestants?: readonly ContestantName[] | undefined;
  readonly payloads?: readonly PayloadName[] | undefined;
}

/** What one run measures. */
export function sectionsOf({ quick, contestants, payloads }: Choice): readonly Section[] {
  const wanted = contestants ?? (quick ? QUICK_CONTESTANTS : CONTESTANT_NAMES);
  return (quick ? QUICK : FULL)
    .filter(({ payload }) => payloads?.includes(payload) ?? true)
    .map((section) => ({ ...section, contestants: section.contestants.filter((name) => wanted.includes(name)) }))
    .filter((section) => section.contestants.length > 0);
}

/** Name of a shape inside a cell's name. */
const shapeName = (shape: Shape): string => (shape.loop === 'closed' ? `c${shape.concurrency}` : 'open');

/** `<contestant> <section> <shape>`, for example `nest_redis 256 c64`. */
export const cellName = (contestant: ContestantName, { name }: Section, shape: Shape): string =>
  `${contestant} ${name} ${shapeName(shape)}`;
