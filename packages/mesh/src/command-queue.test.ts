import { describe, expect, it } from 'vitest';
import { CommandQueue } from './command-queue.ts';
import type { MeshCommand } from './mesh-thread-protocol.ts';
import type { CommandDrop } from './metrics.ts';

const COMMAND: MeshCommand = { kind: 'revoke', claimKind: 'waf_reputation', subject: '192.0.2.7' };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the queue of commands', () => {
  const made = (limit: number) => {
    const drops: Record<CommandDrop, number> = { full: 0, closed: 0, uninitialized: 0 };
    const posted: number[] = [];
    const queue = new CommandQueue({ limit, dropped: (reason, commands) => (drops[reason] += commands) });
    const open = (): void => queue.opened((commands) => posted.push(commands.length));
    const push = (commands: number): number =>
      Array.from({ length: commands }, () => queue.push(COMMAND)).filter(Boolean).length;
    return { queue, drops, posted, open, push };
  };

  it('sends what one turn gave together', async () => {
    const { open, push, posted, queue } = made(10);
    open();
    expect(push(3)).toBe(3);
    expect(posted).toEqual([]);
    await turn();
    expect(posted).toEqual([3]);
    expect(queue.outstanding).toBe(3);
    queue.taken(3);
    expect(queue.outstanding).toBe(0);
  });

  it('refuses what is more than the thread has taken, by reason', async () => {
    const { open, push, queue, drops } = made(4);
    expect(push(1)).toBe(0);
    open();
    expect(push(6)).toBe(4);
    await turn();
    expect(push(1)).toBe(0);
    queue.taken(2);
    expect(push(3)).toBe(2);
    expect(drops).toEqual({ full: 4, closed: 0, uninitialized: 1 });
    queue.closed();
    expect(push(2)).toBe(0);
    expect(drops).toEqual({ full: 4, closed: 2, uninitialized: 1 });
  });

  it('counts what a thread took with it as lost, and goes on with the next', async () => {
    const { open, push, queue, drops, posted } = made(10);
    open();
    push(2);
    await turn();
    push(1);
    queue.lost();
    expect(drops.closed).toBe(3);
    expect(push(1)).toBe(0);
    open();
    expect(push(2)).toBe(2);
    await turn();
    expect(posted).toEqual([2, 2]);
    expect(drops).toEqual({ full: 0, closed: 4, uninitialized: 0 });
  });

  it('hands over what it has when it closes', () => {
    const { open, push, queue, posted } = made(10);
    open();
    push(2);
    queue.closed();
    expect(posted).toEqual([2]);
  });
});
