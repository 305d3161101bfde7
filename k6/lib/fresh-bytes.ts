import { JOURNEYS, type JourneyName } from '../flows/journeys.ts';
import { FRESH_BYTES } from '../flows/user.ts';
import type { Plan } from '../profiles/profile.ts';
import { turnsOf } from '../profiles/arrivals.ts';

/** Fresh objects a turn of a flow takes. */
const PER_TURN: Readonly<Partial<Record<JourneyName, number>>> = { objects: 1, puts: 1, north_south: 3 };
/** Fresh objects all flows take once, to prepare their worlds. */
export const PREPARE_OBJECTS = 2_048;

/** The files of a pool: the bytes every object shares, and an id a line. */
export const TEMPLATE_FILE = 'fresh.bin';
export const IDS_FILE = 'fresh.ids';

/** Which part of the pool a scenario uses: turn n takes `each` objects from `from + n * each`. */
export interface PoolPart {
  readonly from: number;
  readonly each: number;
}

export interface PoolPlan {
  readonly parts: Readonly<Record<string, PoolPart>>;
  /** Objects in all. */
  readonly size: number;
}

/** Where every object of a run stands in its pool, so that each is used once. */
export function poolPlanOf({ scenarios }: Plan): PoolPlan {
  const parts: Record<string, PoolPart> = {};
  let size = PREPARE_OBJECTS;
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (!Object.hasOwn(JOURNEYS, name)) continue;
    const each = PER_TURN[name as JourneyName] ?? 0;
    parts[name] = { from: size, each };
    size += each * turnsOf(scenario);
  }
  return { parts, size };
}

/** Object number `at` of a run: the template with the name of the object in front. */
export function freshBytes(template: ArrayBuffer, run: string, at: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(template.slice(0, FRESH_BYTES));
  const name = `${run}:${at};`;
  for (let index = 0; index < name.length; index += 1) bytes[index] = name.charCodeAt(index);
  return bytes;
}
