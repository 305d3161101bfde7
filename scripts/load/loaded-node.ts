import { RiggedSigners } from '../rig/registry-signers.ts';
import type { RunState } from '../run-state.ts';
import { startTarget, type TargetOptions } from '../targets.ts';
import type { LoadTarget } from './options.ts';

export interface LoadedNode extends AsyncDisposable {
  readonly state: RunState;
  /** File with the keys of the signers of its registry; undefined where nobody has them. */
  readonly signers: string | undefined;
}

/** The node a load goes to; one that was not started here is left running. `signers` are those of such a node. */
export async function openTarget(
  target: LoadTarget,
  { signers, env, ...options }: Pick<TargetOptions, 'env' | 'label' | 'redis'> & { signers?: string | undefined } = {},
): Promise<LoadedNode> {
  if (target.kind === 'url') {
    const state: RunState = { target: 'url', url: target.url, ops: target.ops, processes: [] };
    return { state, signers, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  await using stack = new AsyncDisposableStack();
  // An engine of containers takes no settings: its registry has the signers somebody gave it.
  const own = target.kind === 'compose' ? undefined : stack.use(RiggedSigners.make());
  const { state } = stack.use(
    await startTarget(target.kind, {
      replicas: target.replicas,
      onDisk: true,
      env: { ...own?.env, ...env },
      ...options,
    }),
  );
  const running = stack.move();
  return { state, signers: own?.keys ?? signers, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
