// A micronode that keeps everything in memory, inside a memory limit: the case whose memory must worry nobody.
import { spawn } from 'node:child_process';
import { appCommand } from '../bootstrap.mjs';
import { answersOk, poll } from '../poll.ts';
import { freePort } from '../ports.ts';
import { Client } from '../rig/client.ts';
import { ControlGroup } from '../rig/control-group.ts';
import { Ledger } from '../rig/ledger.ts';
import type { Rig } from './rig.ts';

const LIMIT_BYTES = 512 * 1024 ** 2;
const OBJECT_BYTES = 1024 ** 2;
const OBJECTS = 150;
const READY_TIMEOUT_MS = 20_000;

/** Starts one beside the rig, scraped as a target of its own, and fills it. What it answers ends it. */
export async function startAmnesia(rig: Rig): Promise<() => Promise<void>> {
  const group = ControlGroup.ofMemory('macronode-verify', LIMIT_BYTES);
  const [port, opsPort] = [await freePort(), rig.amnesiaOpsPort];
  const [program, ...args] = group.command(appCommand('micronode'));
  const child = spawn(program, args, {
    stdio: 'ignore',
    env: { ...process.env, PORT: String(port), OPS_PORT: String(opsPort), DATA_DIR: '', LOG_LEVEL: 'warn' },
  });
  await poll('the micronode', READY_TIMEOUT_MS, () => answersOk(`http://127.0.0.1:${opsPort}/readyz`));
  const client = new Client(`http://127.0.0.1:${port}`, new Ledger());
  for (let i = 0; i < OBJECTS; i += 1) await client.put(OBJECT_BYTES);
  client.close();
  return async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
    group.remove();
  };
}
