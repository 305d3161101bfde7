export { addConsole } from './console.ts';
export type { ConsoleOptions } from './console.ts';
export { readSamples } from './exposition.ts';
export type { Sample } from './exposition.ts';
export { CONSOLE_LIMITS } from './history/limits.ts';
export type { ConsoleState } from './history/state.ts';
export { PANELS } from './panels/index.ts';
export { parsePeers, peerProblems, PEERS_PATTERN } from './peers.ts';
export type { Peer } from './peers.ts';
