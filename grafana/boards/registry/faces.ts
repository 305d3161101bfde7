import { METRICS } from '../../declared.ts';
import { series } from '../../series.ts';

/** The registry itself. */
export const registry = series('registry');

/** Whoever answers its routes: the gateways, and the registry on its own port. A micronode has only the first. */
export const faces = series(['gateway', 'registry']);

/** Its routes. */
export const ROUTED = 'route=~"/registry/.*"';

export const { registry: own, streams, golden, state } = METRICS;
