import { afterEach, beforeEach, describe } from 'vitest';
import { callConformance } from './conformance-calls.ts';
import { eventConformance } from './conformance-events.ts';
import { failureConformance } from './conformance-failures.ts';
import { overloadConformance } from './conformance-overload.ts';
import { streamConformance } from './conformance-streams.ts';
import { deadLetterConformance } from './conformance-dead-letters.ts';
import { workConformance } from './conformance-work.ts';
import { type OpenMedium, World } from './conformance-world.ts';

/** What every link must make true of a bus. */
export function busConformance(name: string, open: OpenMedium): void {
  describe(`bus over the ${name} link`, () => {
    let world: World;
    beforeEach(() => {
      world = new World(open);
    });
    afterEach(() => world.close());
    const current = (): World => world;
    callConformance(current);
    streamConformance(current);
    eventConformance(current);
    failureConformance(current);
    workConformance(current);
    deadLetterConformance(current);
    overloadConformance(current);
  });
}
