import { CELL_CASES } from './cell-cases.ts';
import { countingCase } from './counting-case.ts';
import { OPENTELEMETRY_CASES } from './opentelemetry-cases.ts';
import { PROM_CLIENT_CASES } from './prom-client-cases.ts';

/** Every way to count. */
export const COUNTING_CASES = [...CELL_CASES, ...PROM_CLIENT_CASES, ...OPENTELEMETRY_CASES].map(countingCase);
