/** Small calls never queue behind blobs: `bulk` carries entries above 32 KiB. */
export type Lane = 'fast' | 'bulk' | OrderedLane;

/** One partition of what is ordered by key: everything with one key is in one partition. */
export type OrderedLane = `ordered:${number}`;
