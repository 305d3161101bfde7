import { METRICS } from '../../declared.ts';
import { series } from '../../series.ts';

/** Where the mesh runs: in the gateways. */
export const gateway = series('gateway');

export const { mesh, golden } = METRICS;

/** A name of the trust list per line: as many lines as a person can tell apart. */
export const CLIENTS_SHOWN = 15;
