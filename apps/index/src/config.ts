import { LIMITS } from '@macronode/contracts';
import { type ConfigOf, defineConfig, knob } from '@macronode/service';

export const indexConfig = defineConfig('index', {
  ttlSeconds: knob.int({
    env: 'INDEX_RECORD_TTL_S',
    default: 60,
    unit: 's',
    min: 0,
    max: LIMITS.name_ttl_max_s.value,
    help: 'How long others may cache a record the node signs.',
    reason: 'A name moved is seen within a minute; a resolver asks once a minute at most.',
  }),
  validityDays: knob.int({
    env: 'INDEX_RECORD_VALIDITY_DAYS',
    default: 365,
    unit: 'days',
    min: 1,
    max: 3_650,
    help: 'How long a record the node signs is valid; then the name has to be published again.',
    reason: 'A year, as certificates have it: long enough to forget, short enough that abandoned names end.',
  }),
  historyMax: knob.int({
    env: 'INDEX_HISTORY_RECORDS',
    default: 100,
    unit: 'count',
    min: 1,
    max: 100_000,
    help: 'Past records kept per name, the current one included.',
    reason: 'Enough to see what happened; a name republished every minute must not fill the disk.',
  }),
});

export type IndexConfig = ConfigOf<typeof indexConfig>;
