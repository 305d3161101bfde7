import type { RunState } from '../run-state.ts';
import { type RunningTarget, startTarget, type TargetOptions } from '../targets.ts';
import type { LoadTarget } from './options.ts';

/** The node a load goes to; one that was not started here is left running. */
export async function openTarget(
  target: LoadTarget,
  options: Pick<TargetOptions, 'env' | 'label' | 'redis'> = {},
): Promise<Pick<RunningTarget, 'state'> & AsyncDisposable> {
  if (target.kind !== 'url') {
    return startTarget(target.kind, { replicas: target.replicas, onDisk: true, ...options });
  }
  const state: RunState = { target: 'url', url: target.url, ops: target.ops, processes: [] };
  return { state, [Symbol.asyncDispose]: () => Promise.resolve() };
}
