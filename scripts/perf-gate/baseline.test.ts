import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FLOW_NAMES } from '../../k6/flows/flows.ts';
import { baselineFile, baselineSchema } from './baseline.ts';
import { PROFILES } from './recording.ts';
import { readWaivers } from './waivers.ts';

describe.each(PROFILES)('the baseline of the %s', (profile) => {
  const baseline = baselineSchema.parse(JSON.parse(readFileSync(baselineFile(profile), 'utf8')));

  it('names its profile and its machine', () => {
    expect(baseline.profile).toBe(profile);
    expect(baseline.machine.cpu).not.toBe('');
  });

  it('has every flow', () => {
    expect(Object.keys(baseline.flows)).toEqual([...FLOW_NAMES]);
  });
});

it('has waivers beside it that are right, whether or not they have run out', () => {
  const file = baselineFile('micronode').replace('micronode', 'waivers');
  const { faults } = readWaivers(file, new Date());
  expect(faults.filter((fault) => !fault.includes('expired'))).toEqual([]);
});
