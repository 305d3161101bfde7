import { METRICS } from '../../declared.ts';
import { series } from '../../series.ts';

/** Every process of the node. */
export const fleet = series();

export const { process: own, golden } = METRICS;

export const OF_PROCESS = '{{service}} {{instance}}';
