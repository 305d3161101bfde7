import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';

/** A service with nothing in it, run as its `main.ts` would: through the built package. */
const MAIN = `
import { defineConfig, knob, runService } from '@macronode/service';
class Empty {}
await runService({
  name: 'mailbox',
  config: defineConfig('mailbox', { depth: knob.int({ env: 'MAILBOX_DEPTH', default: 10, unit: 'count', min: 1, max: 20, help: 'Messages.' }) }),
  opsPort: 9084,
  declarations: [],
  module: { register: (deps) => {
    deps.onClose('slow', () => process.env.STUCK ? new Promise(() => setInterval(() => {}, 1000)) : undefined);
    return { module: Empty };
  } },
});
`;

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly exit: Promise<number | null>;
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const child = spawn(process.execPath, ['--input-type=module', '-e', MAIN, '--', 'main.ts', ...args], {
    cwd: new URL('..', import.meta.url),
    env: { PATH: process.env['PATH'] ?? '', BUS_LINK: 'in-process', OPS_PORT: '0', ...env },
  });
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  child.stderr.on('data', (chunk) => (text += String(chunk)));
  return { child, out: () => text, exit: once(child, 'close').then(([code]) => code as number | null) };
}

async function listening(running: Run): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!running.out().includes('listens on')) {
    if (Date.now() > deadline || running.child.exitCode !== null) throw new Error(`did not start: ${running.out()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a service as a process', () => {
  it('prints every setting for --help and leaves', async () => {
    const { exit, out } = run(['--help']);
    expect(await exit).toBe(0);
    for (const word of ['MAILBOX_DEPTH', 'default 10 count', '1 to 20', 'REDIS_URL', 'DRAIN_TIMEOUT_MS'])
      expect(out()).toContain(word);
  });

  it('names every wrong setting and exits 1', async () => {
    const { exit, out } = run(['--mailbox-depth', '99'], { MAILBOX_DEBTH: '1' });
    expect(await exit).toBe(1);
    expect(out()).toContain('MAILBOX_DEPTH must be from 1 to 20 (count); got "99"');
    expect(out()).toContain('MAILBOX_DEBTH is not a setting');
  });

  it('says which port is taken and what to do, and exits 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = String(typeof address === 'object' ? address?.port : '');
    const { exit, out } = run([], { OPS_PORT: port });
    expect(await exit).toBe(1);
    expect(out()).toMatch(new RegExp(`mailbox did not start: .*${port}\\nPort ${port} is taken: .*OPS_PORT`, 's'));
    taken.close();
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('drains on %s and exits 0', async (signal) => {
    const running = run([]);
    await listening(running);
    running.child.kill(signal);
    expect(await running.exit).toBe(0);
    expect(running.out()).toContain('"message":"draining"');
    expect(running.out()).toContain('"not_closed":[]');
  });

  it('exits 1 when something does not close in time', async () => {
    const running = run([], { STUCK: '1', DRAIN_TIMEOUT_MS: '100' });
    await listening(running);
    running.child.kill('SIGTERM');
    expect(await running.exit).toBe(1);
    expect(running.out()).toContain('"not_closed":["mailbox slow"]');
  });

  it('leaves at once at the second signal', async () => {
    const running = run([], { STUCK: '1', DRAIN_TIMEOUT_MS: '600000' });
    await listening(running);
    running.child.kill('SIGTERM');
    while (!running.out().includes('draining')) await new Promise((resolve) => setTimeout(resolve, 10));
    running.child.kill('SIGTERM');
    expect(await running.exit).toBe(143);
  });
});
