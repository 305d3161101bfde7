import { LIMITS } from '@macronode/contracts';
import { defineConfig, knob, type ConfigOf } from '@macronode/service';

export const omnigateConfig = defineConfig('omnigate', {
  inflight: knob.int({
    env: 'OMNIGATE_INFLIGHT',
    default: LIMITS.omnigate_inflight.value,
    unit: 'count',
    min: 1,
    max: 65_535,
    help: LIMITS.omnigate_inflight.reason,
  }),
});

export type OmnigateConfig = ConfigOf<typeof omnigateConfig>;
