import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MetricsRegistry } from '@macronode/metrics';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SqliteMessageStore } from './sqlite-message.store.ts';

const ROUNDS = 4;

interface Round {
  readonly sent: string[];
  readonly delivered: string[];
  readonly acked: string[];
}

/** Runs a child on the file and kills it, without warning, after it has said so many lines. */
async function runAndKill(file: string, round: number, lines: number): Promise<Round> {
  const script = join(import.meta.dirname, 'crash-child.ts');
  const child = spawn(process.execPath, [script, file, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  const exit = once(child, 'exit');
  const said: Round = { sent: [], delivered: [], acked: [] };
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [kind, id = ''] = line.split(' ');
    if (kind === 'S') said.sent.push(id);
    else if (kind === 'D') said.delivered.push(id);
    else if (kind === 'A') said.acked.push(id);
    seen += 1;
    // What it said before the kill still arrives, and counts.
    if (seen === lines) child.kill('SIGKILL');
  }
  const [, signal] = (await exit) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  expect(seen).toBeGreaterThanOrEqual(lines);
  return said;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailbox-crash-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('keeps what it accepted and never delivers again what it acknowledged, killed in the middle again and again', async () => {
  const file = join(folder, 'mailbox.db');
  const sent: string[] = [];
  const acked = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const said = await runAndKill(file, round, 150 + round * 170);
    expect(said.delivered.filter((id) => acked.has(id))).toEqual([]);
    sent.push(...said.sent);
    for (const id of said.acked) acked.add(id);
  }
  expect(acked.size).toBeGreaterThan(0);

  const store = await SqliteMessageStore.open({
    location: { file },
    metrics: new MetricsRegistry().scope({ service: 'mailbox' }),
  });
  try {
    const { accepted, ready, inflight, acked: ackedCount, dead, expired } = store.census();
    expect(accepted).toBe(ready + inflight + ackedCount + dead + expired);
    const left = new Set<string>();
    // Far beyond every lease of the processes before, and each lease of this one outlasts the loop.
    const leasing = { topic: 't', maxMessages: 256, maxBytes: 1e9, wallNow: Date.now(), maxAttempts: 1_000 };
    for (;;) {
      const { messages } = await store.lease({ ...leasing, now: 1e12, visibilityMs: 1e12 });
      for (const { msgId } of messages) left.add(msgId);
      if (messages.length === 0) break;
    }
    expect([...left].filter((id) => acked.has(id))).toEqual([]);
    expect(left.size).toBe(ready + inflight);
    // A message it accepted is still there, or was acknowledged: at most the last answers of a round went unheard.
    const gone = sent.filter((id) => !left.has(id) && !acked.has(id));
    expect(gone.length).toBeLessThanOrEqual(ROUNDS * 3);
    expect(ackedCount).toBe(accepted - left.size);
  } finally {
    await store.close();
  }
}, 60_000);
