import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ROOT } from '../bootstrap.mjs';
import { poll } from '../poll.ts';
import { attach, INSPECTABLE } from './attach.ts';
import { functionTimes, stackTree } from './cpu-profile.ts';
import { allocators } from './heap-profile.ts';
import { recordCpu, recordHeap } from './recording.ts';
import { SourcePlaces } from './source-places.ts';
import { longestTurns } from './turns.ts';

const READY_MS = 10_000;
/** Half of the seeded stall: a sample taken in between, of nothing of the program, may cut it in two. */
const STALL_MS_MIN = 150;
const TURNS = 5;

async function stalledProcess(stack: AsyncDisposableStack): Promise<{ pid: number; log: string; url: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'macronode-stall-'));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  const log = join(dir, 'log');
  const output = openSync(log, 'a');
  const file = fileURLToPath(new URL('stalled-process.ts', import.meta.url));
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', output, output],
    env: { ...process.env, ...INSPECTABLE },
  });
  closeSync(output);
  stack.defer(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  const port = (): string | undefined => /^port (\d+)$/m.exec(readFileSync(log, 'utf8'))?.[1];
  await poll('the server', READY_MS, () => port() !== undefined);
  return { pid: child.pid ?? 0, log, url: `http://127.0.0.1:${port()}` };
}

test('a stall seeded in a handler is among the longest turns, and its stack names the function', async () => {
  await using stack = new AsyncDisposableStack();
  const { pid, log, url } = await stalledProcess(stack);
  expect(readFileSync(log, 'utf8')).not.toContain('Debugger listening');
  const inspected = stack.use(await attach(pid, log));
  const ask = async (path: string, times: number): Promise<void> => {
    for (let at = 0; at < times; at += 1) await (await fetch(`${url}${path}`)).text();
  };
  const { threads, loop } = await recordCpu(inspected, async () => {
    await ask('/', 20);
    await ask('/stall', 1);
    await ask('/', 20);
  });
  const [main] = threads;
  if (main === undefined) throw new Error('no thread was recorded');
  const profile = new SourcePlaces(ROOT).profile(main.profile);
  // Not the first by all means: whatever else runs on the machine may take the processor away for longer.
  const names = longestTurns(profile, loop.returns, TURNS)
    .filter(({ ms }) => ms > STALL_MS_MIN)
    .flatMap(({ stack: frames }) => frames.map(({ name, at }) => `${name} ${at.replace(/:\d+$/, '')}`));
  expect(names).toContain('seededStall scripts/profile/stalled-process.ts');
  expect(loop.delayMs.max).toBeGreaterThan(STALL_MS_MIN);
  const [busiest] = functionTimes(stackTree(profile, 'main'));
  expect(busiest?.place.name).toBe('seededStall');
});

test('the heap profile of a process under load names who allocates', async () => {
  await using stack = new AsyncDisposableStack();
  const { pid, log, url } = await stalledProcess(stack);
  const inspected = stack.use(await attach(pid, log));
  const heap = await recordHeap(inspected, async () => {
    for (let at = 0; at < 300; at += 1) await (await fetch(url)).text();
  });
  expect(allocators(heap).some(({ place }) => place.at.startsWith('node:_http'))).toBe(true);
});
