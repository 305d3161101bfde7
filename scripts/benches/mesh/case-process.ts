import { runCase } from '../micro/run-case.ts';
import { BUDGET_CASES, MICRO_CASES } from './micro-cases.ts';

await runCase([...MICRO_CASES, ...BUDGET_CASES]);
