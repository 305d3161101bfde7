// What the server tells the page. Imports nothing at run time: both sides read it.
import type { Readiness, Version } from '@macronode/contracts';

/** Values of one reading, by the value of its label; under the empty string when it has none. */
export type ByLabel = Readonly<Record<string, number>>;

/** The series of one service, by reading. */
export interface ServiceValues {
  readonly service: string;
  readonly values: Readonly<Record<string, ByLabel>>;
}

/** One process as its ops port showed it. */
export interface Instance {
  /** Stable over collections: what the page files its history under. */
  readonly id: string;
  readonly name: string;
  /** When it answered, or was given up: Unix time in ms. */
  readonly at: number;
  /** Why there is no answer, in a few words; null when there is one, and then everything below is set. */
  readonly problem: string | null;
  readonly version: Version | null;
  /** Start of the process, in seconds of Unix time; another one means that its counters began again. */
  readonly started_at: number | null;
  /** Of each service in it. */
  readonly readiness: readonly Readiness[];
  readonly services: readonly ServiceValues[];
}

/** Objectives the page draws beside what they bound. */
export interface Objectives {
  /** Share of answers that are not 5xx. */
  readonly availability: number;
  /** Seconds 95 of 100 reads take at most. */
  readonly readSeconds: number;
}

/** The body of `/console/state`. */
export interface ConsoleState {
  /** When it was collected, Unix time in ms. */
  readonly at: number;
  /** The process that answers: its name, and what the page is titled with. */
  readonly node: string;
  readonly objectives: Objectives;
  readonly instances: readonly Instance[];
}
