import type { Route } from '@macronode/contracts';

/** Answers that break availability. */
export const FAILED = 'code=~"5.."';

/** Answers that are protection, not failure. */
export const SHED = 'code=~"429|503"';

/** Requests of one route. */
export const ofRoute = ({ template, method }: Route): string => `route="${template}",method="${method}"`;
