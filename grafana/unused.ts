/** Declared metrics that are on no board and in no rule, each with the reason. */
export const UNUSED: Readonly<Record<string, string>> = Object.freeze({});
