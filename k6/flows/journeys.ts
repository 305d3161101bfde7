import { FLOWS, LOAD_NAMES, type LoadName } from './flows.ts';
import type { Flow } from './flow.ts';
import { northSouth } from './north-south.ts';

/** What k6 can walk: every flow, and the proof of the whole path, which is too slow to be a load. */
export type JourneyName = LoadName | 'north_south';
export const JOURNEY_NAMES: readonly JourneyName[] = [...LOAD_NAMES, 'north_south'];
export const JOURNEYS: Readonly<Record<JourneyName, Flow>> = { ...FLOWS, north_south: northSouth };
