import { redisPid, type RunState } from '../../run-state.ts';

/** Every process of a node and its Redis, by the name its CPU is told under. */
export const watchedOf = ({
  processes,
  redis,
}: RunState): readonly { readonly name: string; readonly pid: number }[] => [
  ...processes.flatMap(({ service, pid }) => (pid === undefined ? [] : [{ name: service, pid }])),
  ...(redis === undefined ? [] : [{ name: 'redis', pid: redisPid(redis) }]),
];
