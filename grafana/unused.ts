/**
 * Declared metrics that are on no board and in no rule, by name, each with the reason. A metric that is used and left out at
 * the same time is a finding of the lint, so that no excuse outlives its cause.
 */
export const UNUSED: Readonly<Record<string, string>> = Object.freeze({});
