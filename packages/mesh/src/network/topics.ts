import { CLAIM_KINDS, type ClaimKind } from '../claims/claim.ts';

/** Major of the schema of claims: another one is another topic, so that the two do not meet. */
const SCHEMA_MAJOR = 1;

/** The topic the claims of a kind travel on. */
export const topicOf = (kind: ClaimKind): string => `macronode/claims/${SCHEMA_MAJOR}/${kind}`;

/** The kind of claims by their topic: every topic this node speaks about, and no other. */
export const TOPICS: ReadonlyMap<string, ClaimKind> = new Map(CLAIM_KINDS.map((kind) => [topicOf(kind), kind]));
