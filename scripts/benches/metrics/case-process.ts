import { runCase } from '../micro/run-case.ts';
import { COUNTING_CASES } from './counting-cases.ts';

await runCase(COUNTING_CASES);
